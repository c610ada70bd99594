// `npm run smoke`: what every system can do, Windows and macOS too: packs the packages, installs them as
// an outside consumer would, loads each entry both ways, and runs the READMEs' first examples. It
// needs no server and no shell.
import { join } from 'node:path'
import { readFiles } from './files.ts'
import { packAll } from './pack.ts'
import { installPacked, readmeExamples } from './packed-consumer.ts'
import { loadFaults } from './packed-load.ts'
import { runExamples } from './run-examples.ts'
import { checkInScratch } from './tally.ts'

await checkInScratch('smoke-', async (folder, tally) => {
  const files = readFiles()
  const packages = packAll(files, folder)
  const consumer = join(folder, 'consumer')
  if (!tally.add(installPacked(packages, consumer))) return
  await tally.timed('each entry is loaded', () => loadFaults(packages, consumer, process.execPath))
  await tally.timed('first examples run', () => runExamples(readmeExamples(files, packages), { folder: consumer }))
})
