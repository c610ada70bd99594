/**
 * Opens a store with one key, replaces it by another and closes it; reports each step and continues
 * when told. Keys are given inverted, so that this process's memory holds them only where the store
 * put them.
 */
import { once } from 'node:events'
import { localProvider } from '../local-provider.ts'

const [path = '', form = '', ...inverted] = process.argv.slice(2)
const context = { signal: new AbortController().signal }

/** Overwritable, unlike a string. */
function given(hex: string): Buffer {
  const bytes = Buffer.from(new ArrayBuffer(hex.length / 2))
  for (let at = 0; at < bytes.length; at++) bytes[at] = ~Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16)
  return bytes
}

function keyOf(bytes: Buffer): string | Uint8Array {
  if (form === 'bytes') return bytes
  if (form === 'key') return `key:${bytes.toString('base64url')}`
  // as the test calls them
  return bytes.toString(form === 'passphrase' ? 'utf8' : (form as 'hex' | 'base64'))
}

function opened(...hex: readonly string[]): ReturnType<typeof localProvider> {
  const bytes = hex.map(given)
  const provider = localProvider({ path, keys: bytes.map(keyOf) })
  for (const each of bytes) each.fill(0)
  return provider
}

async function told(what: string): Promise<void> {
  process.stdout.write(what)
  await once(process.stdin, 'data')
}

const [first = '', second = ''] = inverted
let provider = opened(first)
for (const value of ['one', 'two']) await provider.put('name', { value }, context)
await provider.get('name', context)
await provider.getVersion('name', 1, context)
await told('open')
await provider.close()
await told('closed')
provider = opened(second, first)
await provider.reencrypt()
await provider.get('name', context)
await told('replaced')
await provider.close()
await told('closed again')
process.exit()
