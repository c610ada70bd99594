// `node scripts/check-rebuilt.ts FOLDER`: builds and packs all packages again, and compares the bytes
// with the tarballs of FOLDER. Only a build that repeats can be compared with what npm has.
import { readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { publicPackages, readFiles, root } from './files.ts'
import { failure, packAll } from './pack.ts'
import { checkInScratch } from './tally.ts'

const former = join(root, process.argv[2] ?? '')

await checkInScratch('rebuilt-', async (folder, tally) => {
  const files = readFiles()
  for (const member of publicPackages(files)) rmSync(join(root, member.folder, 'dist'), { recursive: true })
  const build = ['scripts/build.mjs', '--force', '--output-logs=errors-only']
  if (!(await tally.timed('a build from nothing', () => failure(process.execPath, build)))) return
  const packed = packAll(files, folder).map(({ tarball }) => tarball)
  const other = packed.filter((tarball) => !readFileSync(tarball).equals(readFileSync(join(former, basename(tarball)))))
  await tally.timed('the same bytes again', () => other.map((tarball) => `${basename(tarball)} has other bytes than before`))
})
