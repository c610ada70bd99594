#!/usr/bin/env node
// Nothing else is imported before the version is known: an older Node.js could not load it.
import { refuseOldNode } from './node/node-version.ts'

const refused = refuseOldNode(process)
if (refused === 0) {
  const { start } = await import('./start.ts')
  await start(process, new URL('../package.json', import.meta.url))
} else process.exitCode = refused
