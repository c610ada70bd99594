import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Tally } from '../harness/fault-injection.ts'
import { randomFrom } from '../harness/random.ts'
import { inScratch } from '../harness/scratch.ts'
import { cutAtSyncs } from './cut-at-syncs.ts'

const hex = (text: string): string => `"${[...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`

/** Two threads in strace's output: one printed and wrote before the sync of the other had ended. */
const threads = (path: string): readonly string[] => [
  `1.0 openat(AT_FDCWD, ${hex(path)}, O_RDWR, 0600) = 3 <0.1>\n2.0 pwrite64(3, ${hex('before')}, 6, 0) = 6 <0.1>\n3.0 fdatasync(3) = 0 <2.0>\n`,
  `4.0 pwrite64(3, ${hex(', meanwhile')}, 11, 6) = 11 <0.1>\n4.5 write(1, ${hex('done')}, 4) = 4 <0.1>\n`,
]

test('output during a sync does not count on it, and writes during a sync are not covered by it', async () => {
  await inScratch(async (parent) => {
    const [folder, recording] = [join(parent, 'folder'), join(parent, 'calls')]
    for (const [thread, calls] of threads(join(folder, 'a')).entries()) writeFileSync(`${recording}.${thread}`, calls)
    mkdirSync(folder)
    writeFileSync(join(folder, 'a'), 'before, meanwhile')
    const start = { names: new Map([['a', 1]]), files: new Map([[1, Buffer.alloc(0)]]) }
    const [tally, images]: [Tally, (readonly [output: string, content: string | undefined])[]] = [new Tally(), []]
    await cutAtSyncs({ recording, folder, start }, randomFrom(1), tally, async ({ files, output }) => {
      images.push([output, files.get('a')?.toString()])
    })
    expect(images.at(0)).toEqual(['done', ''])
    expect(images.at(-1)).toEqual(['done', 'before'])
    expect(tally.faults).toEqual([])
  })
})
