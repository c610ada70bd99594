import { localProvider } from '../local-provider.ts'
import { key } from './key.ts'

/*
 * Writes to a store in another process: `node writing-process.ts PATH COUNT`. Starts when a line
 * arrives on its input, and prints each version's number after it was acknowledged.
 */
const [path = '', count = '0'] = process.argv.slice(2)
const context = { signal: new AbortController().signal }

async function write(): Promise<void> {
  const provider = localProvider({ path, key, keepVersions: 5, lockTimeoutMs: 60_000 })
  await provider.checkHealth(context)
  for (let n = 0; n < Number(count); n++) {
    const { version } = await provider.put(
      'counted',
      { value: `written by ${process.pid} as its ${n}`, tags: { by: String(process.pid) } },
      context,
    )
    process.stdout.write(`${version}\n`)
  }
  await provider.close()
}

process.stdin.once('data', () => {
  process.stdin.pause()
  void write()
})
process.stdout.write('ready\n')
