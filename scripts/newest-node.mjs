// For CI: prints the folder of the newest Node.js, fetched by its pinned hash, if it is of the major
// version that is asked for. Runs on Node 20 with nothing installed.
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import process from 'node:process'
import { newestNodes } from './toolchain.mjs'

const [node] = newestNodes()
const version = node && spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
if (node && version.startsWith(`v${process.argv[2]}.`)) {
  console.log(dirname(dirname(node)))
} else {
  process.stderr.write(`there is no Node.js ${process.argv[2]} to fetch: the newest is ${version ?? 'not for this system'}\n`)
  process.exitCode = 1
}
