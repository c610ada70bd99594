import { createInterface } from 'node:readline'
import { type LocalProvider, localProvider } from '@finchat/secrets-provider-local'
import { givenOrders } from '../harness/child.ts'
import { context } from '../workload/observe.ts'
import type { Written } from './acknowledged.ts'
import { isWhole, type Orders, writersKey } from './orders.ts'

/*
 * A reader beside the writers. Its input names each acknowledged version; the secret must then be that
 * version or a newer one, and whole. Prints `ok`, or the fault.
 */
const { path } = givenOrders() as Orders // as the parent process gives them

async function readAll(): Promise<void> {
  const provider = localProvider({ path, key: writersKey, lockTimeoutMs: 120_000 })
  for await (const line of createInterface(process.stdin)) {
    process.stdout.write(`${await read(provider, JSON.parse(line) as Written)}\n`) // as the parent process writes it
  }
  await provider.close()
}

async function read(provider: LocalProvider, { name, version }: Written): Promise<string> {
  const secret = await provider.get(name, context)
  if ((secret?.version ?? 0) < version) return `read version ${secret?.version} of ${name} after ${version} was acknowledged`
  return isWhole(secret?.value ?? '') ? 'ok' : `read half a value of ${name}`
}

void readAll()
