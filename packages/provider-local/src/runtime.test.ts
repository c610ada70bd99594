import { dirname, join } from 'node:path'
import { restrictedModes, runModule } from '@finchat/secrets-test-servers'
import { describe, expect, it, vi } from 'vitest'
import { temporaryPath } from './testing/temporary-store.ts'

// Each starts processes, which take time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const uses = `
  import { localProvider } from '@finchat/secrets-provider-local'
  const local = localProvider({ path: process.argv[1], key: '00112233445566778899aabbccddeeff'.repeat(2) })
  const context = { signal: new AbortController().signal }
  const work = async () => {
    await local.put('db', { value: 'hunter2' }, context)
    await local.reencrypt()
    return [(await local.get('db', context)).value, (await local.prune({ keepVersions: 1 })).pruned]
  }
  console.log(JSON.stringify(await work().catch(({ code }) => code)))
  await local.close()`

/** The outcomes of a write, a read and maintenance in a process with these flags. */
async function used(path: string, flags: readonly string[]): Promise<unknown> {
  return JSON.parse(await runModule(uses, { cwd: import.meta.dirname, flags, args: [path] }))
}

const modes = restrictedModes(join(import.meta.dirname, '../../..'))
const [, permission = []] = modes.find(([, flags]) => flags.includes('--permission')) ?? []

describe('a local store', () => {
  it.each(modes)('in memory works %s', async (_, flags) => {
    expect(await used(':memory:', flags)).toEqual(['hunter2', 0])
  })

  it.each(modes.filter(([, flags]) => flags !== permission))('in a file works %s', async (_, flags) => {
    expect(await used(temporaryPath(), flags)).toEqual(['hunter2', 0])
  })

  it('in a file needs only the right to read and write its folder', async () => {
    const path = temporaryPath()
    const rights = [`--allow-fs-read=${dirname(path)}`, `--allow-fs-write=${dirname(path)}`]
    expect(await used(path, [...permission, ...rights])).toEqual(['hunter2', 0])
  })

  it.each(['read and write', 'write'])('reports a missing right to %s', async (missing) => {
    const path = temporaryPath()
    const rights = missing === 'write' ? [`--allow-fs-read=${dirname(path)}`] : []
    expect(await used(path, [...permission, ...rights])).toBe('PERMISSION_DENIED')
  })
})
