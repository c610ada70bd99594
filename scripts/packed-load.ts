// Loads installed packages as CommonJS and as ES modules.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requirableEntriesOf } from './files.ts'
import type { Packed } from './pack.ts'

/**
 * Importing succeeds, prints nothing and keeps nothing open; both ways give the same names, and in
 * one process the same values, so that there is one copy of each class.
 */
export function loadFaults(packages: readonly Packed[], folder: string, node: string): string[] {
  const entries = JSON.stringify(packages.flatMap(requirableEntriesOf))
  writeFileSync(join(folder, 'load.cjs'), `const loaded = ${entries}.map((name) => require(name)); ${printNames}`)
  writeFileSync(
    join(folder, 'load.mjs'),
    `const loaded = []; for (const name of ${entries}) loaded.push(await import(name)); ${printNames}`,
  )
  const [required, imported] = ['load.cjs', 'load.mjs'].map((file) => outputOf(node, file, folder))
  const areAlike = required === imported && required?.match(/^\[\[.*\]\]\n$/) // one line: no module has printed
  const names = areAlike
    ? []
    : [`${node}: require() and import of ${entries} must both work, silently and alike, but print:`, `${required}\n${imported}`]
  return [...names, ...copyFaults(entries, folder, node)]
}

function copyFaults(entries: string, folder: string, node: string): string[] {
  writeFileSync(join(folder, 'copies.cjs'), `(async (entries) => {${printCopies}})(${entries})`)
  const printed = outputOf(node, 'copies.cjs', folder)
  return printed === '[]\n' ? [] : [`${node}: what require() and import give must be one and the same, but are two: ${printed}`]
}

const printCopies = `
  const copies = []
  for (const entry of entries) {
    const [required, imported] = [require(entry), await import(entry)]
    for (const name of Object.keys(required)) if (required[name] !== imported[name]) copies.push(entry + ' ' + name)
  }
  console.log(JSON.stringify(copies))
`

/** `module.exports` is Node's own addition on import. */
const printNames =
  "console.log(JSON.stringify(loaded.map((entry) => Object.keys(entry).filter((name) => name !== 'module.exports').sort())))"

export function outputOf(node: string, file: string, cwd: string): string {
  const { stdout, stderr } = spawnSync(node, [file], { cwd, encoding: 'utf8', timeout: 20_000 })
  return stdout + stderr
}
