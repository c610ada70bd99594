import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateKey } from '@finchat/secrets-core/sealing'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { expect, it } from 'vitest'
import { describeUnless } from '@finchat/secrets-test-servers/vitest'
import { makeProgram, type Program } from './testing/run-program.ts'
import { missingStrace, type SystemCall, tracedProgram } from './testing/system-calls.ts'

const value = 'sk_live_CanaryCanaryCanaryCanary'
const another = 'sk_live_SecondSecondSecondSecond'

const forms = [value, another].flatMap((text) => [
  text,
  encodeURIComponent(text),
  ...['base64', 'base64url', 'hex', 'utf16le'].map((form) => Buffer.from(text).toString(form as BufferEncoding)),
])

const decoysKey = generateKey()
const recipient = await identityToRecipient(await generateX25519Identity())

const config = {
  provider: 'local',
  local: { key: { variable: 'APP_KEY' } },
  secrets: { TOKEN: {} },
  decoys: { key: { variable: 'DECOYS' } },
}

/** A project whose store has the value, in a process that is not traced. */
async function project(): Promise<Program> {
  const program = makeProgram(config, { DECOYS: decoysKey })
  expect(await program.run(['set', 'TOKEN'], value)).toMatchObject({ code: 0 })
  return program
}

/** Where the value stands in an argument, an environment, the name of a file or a file. */
function leaksIn(calls: readonly SystemCall[]): string[] {
  const isNoFile = ({ name, target }: SystemCall): boolean =>
    /^p?write/.test(name) && (!target.startsWith('/') || target.startsWith('/dev/'))
  const hasValue = ({ text }: SystemCall): boolean => forms.some((form) => text.includes(form))
  return calls.filter((call) => hasValue(call) && !isNoFile(call)).map(({ name, target }) => `${name} ${target}`)
}

async function leaksOf(args: readonly string[], input: string = value): Promise<string[]> {
  const { folder, key } = await project()
  const env = { APP_KEY: key, DECOYS: decoysKey, NODE_OPTIONS: '--conditions=@finchat/source' }
  const { code, calls } = await tracedProgram(args, { cwd: folder, env, input })
  expect(code).toBe(0)
  expect(calls.length).toBeGreaterThan(5) // it was traced
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (/\.db|\.age|\.ts$/.test(name)) expect(forms.filter((form) => readFileSync(join(folder, name), 'latin1').includes(form))).toEqual([])
  return leaksIn(calls)
}

const readsToken = [process.execPath, '-e', 'if (process.env.TOKEN.length !== 32) process.exit(1)']

describeUnless(missingStrace(), 'the system calls of a command', () => {
  it.each([
    ['set', ['TOKEN'], another],
    ['get', ['TOKEN', '--reveal']],
    ['verify', ['TOKEN']],
    ['rotate', ['TOKEN', '--value-from-stdin'], another],
    ['import', ['--from', '-', '--format', 'dotenv', '--apply', '--force'], `TOKEN=${another}\n`],
    ['export', ['--format', 'json']],
    ['export', ['--output', 'out.age', '--recipient', recipient]],
    ['backup', ['--output', 'saved.db']],
    ['generate', ['types']],
    ['scan', []],
    ['check', []],
    ['run', ['--sealed', '--', ...readsToken]],
    ['run', ['--sealed', '--decoys', '--', ...readsToken]],
  ])('have no value in an argument, an environment or a file: %s', async (command, flags, input = value) => {
    expect(await leaksOf([command, ...flags], input)).toEqual([])
  })

  it('show the value where a command was asked to put it', async () => {
    expect(await leaksOf(['run', '--', ...readsToken])).toContainEqual('execve ')
    expect(await leaksOf(['export', '--format', 'dotenv', '--output', 'plain.env'])).toHaveLength(1)
  })
})
