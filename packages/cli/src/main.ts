#!/usr/bin/env node
// Nothing else is imported before the version is known: an older Node.js could not load it.
import { enableCompileCache } from './config/compile-cache.ts'
import { refuseOldNode } from './node/node-version.ts'

const refused = refuseOldNode(process)
if (refused === 0) {
  enableCompileCache(process.env) // for what is loaded from here on
  const { start } = await import('./start.ts')
  await start(process, new URL('../package.json', import.meta.url))
} else process.exitCode = refused
