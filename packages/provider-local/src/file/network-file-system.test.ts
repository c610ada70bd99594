import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { context, opened, temporaryPath, within } from '../testing/temporary-store.ts'

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>()
  return { ...real, statfsSync: vi.fn(real.statfsSync) }
})

/** Makes every folder appear to be on a file system of this type, as Linux numbers them. */
function onFileSystem(type: number): void {
  const real = fs.statfsSync(dirname(temporaryPath()))
  vi.mocked(fs.statfsSync).mockReturnValue({ ...real, type })
  onTestFinished(() => void vi.mocked(fs.statfsSync).mockReset())
}

/** The warnings that `work` causes. */
async function warningsOf(work: () => Promise<unknown>): Promise<readonly unknown[][]> {
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  await work()
  const { calls } = emit.mock
  emit.mockRestore()
  // as we pass them
  return calls.filter(([, options]) => (options as { type?: string } | undefined)?.type === 'SecretsWarning')
}

const shared: readonly (readonly [string, number])[] = [
  ['NFS', 0x6969],
  ['SMB', 0x517b],
  ['SMB', 0xff534d42],
  ['SMB', 0xff534d42 | 0], // as a 32-bit system returns it
  ['SMB', 0xfe534d42],
  ['9P', 0x01021997],
  ['FUSE', 0x65735546],
  ['Ceph', 0x00c36400],
  ['Lustre', 0x0bd00bd0],
  ['GFS2', 0x01161970],
  ['OCFS2', 0x7461636f],
  ['AFS', 0x5346414f],
]

test.each(shared)('a store on %s (%i) causes one warning that names its file', async (name, type) => {
  onFileSystem(type)
  const path = temporaryPath()
  const warnings = await warningsOf(async () => {
    for (let times = 0; times < 3; times++) await within(path, (provider) => provider.put('name', { value: 'value' }, context))
    await opened(path).get('name', context)
  })
  expect(warnings).toEqual([
    [
      `The local store's file ${JSON.stringify(path)} lies on ${name}, where SQLite's log and locks may lose or damage what is written: ` +
        'keep it on a local disk',
      { type: 'SecretsWarning', code: 'FINCHAT_SECRETS_NETWORK_FILE_SYSTEM' },
    ],
  ])
})

test('each store causes its own warning, and a missing file none', async () => {
  onFileSystem(0x6969)
  const warnings = await warningsOf(async () => {
    await opened(temporaryPath()).get('name', context)
    for (let times = 0; times < 2; times++) await opened(temporaryPath()).put('name', { value: 'value' }, context)
  })
  expect(new Set(warnings.map(String)).size).toBe(2)
  expect(warnings).toHaveLength(2)
})

test.each([
  ['ext4', 0xef53],
  ['XFS', 0x58465342],
  ['Btrfs', 0x9123683e],
  ['tmpfs', 0x01021994],
  ['overlayfs', 0x794c7630],
  ['ZFS', 0x2fc12fc1],
  ['another system', 0],
])('a store on %s is not warned of', async (_, type) => {
  onFileSystem(type)
  expect(await warningsOf(() => opened(temporaryPath()).put('name', { value: 'value' }, context))).toEqual([])
})

test('a store on an unknown file system or in memory causes no warning', async () => {
  vi.mocked(fs.statfsSync).mockImplementation(() => {
    throw Object.assign(new Error('x'), { code: 'ENOSYS' })
  })
  onTestFinished(() => void vi.mocked(fs.statfsSync).mockReset())
  for (const path of [temporaryPath(), ':memory:'])
    expect(await warningsOf(() => opened(path).put('name', { value: 'value' }, context))).toEqual([])
})
