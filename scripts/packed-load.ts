// Loads installed packages as CommonJS and as ES modules.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { entriesOf } from './files.ts'
import type { Packed } from './pack.ts'

/** Importing succeeds, prints nothing and keeps nothing open; both ways give the same names. */
export function loadFaults(packages: readonly Packed[], folder: string, node: string): string[] {
  const entries = JSON.stringify(packages.flatMap(entriesOf))
  writeFileSync(join(folder, 'load.cjs'), `const loaded = ${entries}.map((name) => require(name)); ${printNames}`)
  writeFileSync(
    join(folder, 'load.mjs'),
    `const loaded = []; for (const name of ${entries}) loaded.push(await import(name)); ${printNames}`,
  )
  const [required, imported] = ['load.cjs', 'load.mjs'].map((file) => outputOf(node, file, folder))
  if (required === imported && required?.match(/^\[\[.*\]\]\n$/)) return [] // one line: no module has printed
  return [`${node}: require() and import of ${entries} must both work, silently and alike, but print:`, `${required}\n${imported}`]
}

/** `module.exports` is Node's own addition on import. */
const printNames =
  "console.log(JSON.stringify(loaded.map((entry) => Object.keys(entry).filter((name) => name !== 'module.exports').sort())))"

export function outputOf(node: string, file: string, cwd: string): string {
  const { stdout, stderr } = spawnSync(node, [file], { cwd, encoding: 'utf8', timeout: 20_000 })
  return stdout + stderr
}
