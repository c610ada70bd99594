// The last step of `npm run release`: publishes each version that npm does not have, with a provenance.
import { spawnSync } from 'node:child_process'
import { root } from './files.ts'

/** What GitHub gives a job that may prove who it is. Without it a package would have no provenance. */
const proof = 'ACTIONS_ID_TOKEN_REQUEST_URL'

if (process.env[proof] === undefined) {
  console.error('Releases are published by .github/workflows/release.yml, which proves where they come from. Nothing was published.')
  process.exitCode = 1
} else {
  const args = ['publish', '-r', '--provenance', '--access', 'public', '--no-git-checks']
  process.exitCode = spawnSync('pnpm', args, { cwd: root, stdio: 'inherit' }).status ?? 1
}
