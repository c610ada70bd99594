#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { enableCompileCache } from './config/compile-cache.ts'
import { run } from './run.ts'
import { endQuietly, quietWarnings } from './terminal/process-events.ts'

enableCompileCache(process.env)
quietWarnings(process)
endQuietly(process)
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string } // our own
process.exitCode = await run(process.argv.slice(2), process, version)
