import { localProvider } from '../local-provider.ts'
import { key } from './key.ts'

/*
 * Another process that writes to a store: `node writing-process.ts PATH COUNT`. Prints the number of each version after
 * it was acknowledged, one a line, and begins when a line arrives on its input.
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
