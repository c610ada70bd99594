import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { readdirSync, rmSync } from 'node:fs'
import { context, opened, temporaryPath, within } from './testing/temporary-store.ts'
import { otherProcess } from './testing/other-process.ts'

const spawned = (...args: readonly string[]): ChildProcessWithoutNullStreams => {
  const script = join(import.meta.dirname, 'testing/backup-process.ts')
  const child = spawn(process.execPath, ['--conditions=@finchat/source', '--disable-warning=ExperimentalWarning', script, ...args])
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** Runs `what` in a process that is killed so many milliseconds after its first result. */
async function killedAfter(what: 'backup' | 'restore', path: string, file: string, ms: number): Promise<void> {
  const child = spawned(what, path, file)
  await once(child.stdout, 'data')
  await sleep(ms)
  child.kill('SIGKILL')
  await once(child, 'close')
}

test('backups that others write beside, and that are killed, are whole', async () => {
  const path = temporaryPath()
  const backup = join(dirname(path), 'backup.db')
  await within(path, (provider) => provider.put('counted', { value: 'first' }, context))
  const writer = await otherProcess(path, 1_000_000)
  await writer.start()
  const seen: number[] = []
  for (const ms of [0, 7, 19, 31]) {
    await killedAfter('backup', path, backup, ms)
    seen.push(await within(backup, async (provider) => (await provider.get('counted', context))?.version ?? 0))
  }
  writer.child.kill('SIGKILL')
  await writer.exited
  expect(seen).toEqual(seen.toSorted((one, other) => one - other))
  const provider = opened(path)
  expect((await provider.get('counted', context))?.version).toBeGreaterThan(seen.at(-1) ?? 0)
  await provider.backup({ to: backup, overwrite: true })
  expect(readdirSync(dirname(path)).filter((name) => name.startsWith('backup'))).toEqual(['backup.db'])
})

test('a restore that is killed leaves the store as it was, or as the backup was', async () => {
  const path = temporaryPath()
  const backup = join(dirname(path), 'backup.db')
  await within(path, async (provider) => {
    await provider.put('name', { value: 'of the backup' }, context)
    await provider.backup({ to: backup })
  })
  for (const ms of [0, 2, 4, 7, 11, 17]) {
    await within(path, (provider) => provider.put('name', { value: 'later' }, context))
    await killedAfter('restore', path, backup, ms)
    expect(['of the backup', 'later']).toContain(await within(path, async (provider) => (await provider.get('name', context))?.value))
    for (const name of readdirSync(dirname(path))) if (name.includes('before-restore')) rmSync(join(dirname(path), name))
  }
  await opened(path).restoreBackup({ from: backup })
  expect(readdirSync(dirname(path)).filter((name) => name.endsWith('.restoring'))).toEqual([])
})

test('a process that opens the store while others restore it reads one of the two states, never an empty store', async () => {
  const path = temporaryPath()
  const backup = join(dirname(path), 'backup.db')
  await within(path, async (provider) => {
    await provider.put('name', { value: 'of the backup' }, context)
    await provider.backup({ to: backup })
  })
  const reader = spawned('read', path)
  let printed = ''
  reader.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  for (let restores = 0; restores < 20; restores++) {
    await within(path, (provider) => provider.put('name', { value: 'later' }, context))
    const { former } = await opened(path).restoreBackup({ from: backup })
    expect(await within(String(former), async (provider) => (await provider.get('name', context))?.value)).toBe('later')
    expect(await within(path, async (provider) => (await provider.get('name', context))?.value)).toBe('of the backup')
  }
  reader.kill('SIGKILL')
  await once(reader, 'close')
  const lines = printed.split('\n').slice(0, -1)
  expect(lines.length).toBeGreaterThan(10)
  expect([...new Set(lines)].filter((line) => !['of the backup', 'later', 'UNAVAILABLE'].includes(line))).toEqual([])
})
