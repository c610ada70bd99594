import { SecretsError, type SecretValue } from '@finchat/secrets-core'
import type { FunctionTargetOptions } from '../targets/function-target.ts'
import type { Fence } from '../targets/target.ts'

/** A server in memory that accepts several passwords, with a fence. */
export class MemoryServer {
  passwords: readonly string[] = ['the first password']
  token = 0
  isReachable = true

  assertReachable(): void {
    if (!this.isReachable) throw new Error('connection refused')
  }

  /** Throws `VERSION_CONFLICT` if a higher token was here. */
  pass({ token }: Fence): void {
    this.assertReachable()
    if (token < this.token) throw new SecretsError('VERSION_CONFLICT', 'a later attempt was here')
    this.token = token
  }
}

/** Functions that keep every rule. The newest password and the current one are accepted. */
export function memoryFunctions(server: MemoryServer): FunctionTargetOptions {
  return {
    apply: async (value, fence, _context, current) => {
      server.pass(fence)
      const isKept = (password: string): boolean =>
        password === (current && Buffer.from(current.bytes()).toString()) && password !== value.reveal()
      const kept = server.passwords.filter(isKept)
      server.passwords = [...kept, value.reveal()]
    },
    test: async (value: SecretValue) => {
      server.assertReachable()
      return server.passwords.includes(value.reveal()) ? 'accepted' : 'refused'
    },
    retire: async (_old, current, fence) => {
      server.pass(fence)
      server.passwords = [current.reveal()]
    },
  }
}
