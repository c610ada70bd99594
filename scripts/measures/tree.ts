import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { makeScratch, readFiles, root, type Files } from '../files.ts'

/** The text files of a revision, or of the working tree. */
export function filesAt(revision: string | undefined): Files {
  if (revision === undefined) return readFiles()
  const git = (args: string[], input?: string): Buffer =>
    execFileSync('git', args, { cwd: root, maxBuffer: 1 << 29, ...(input !== undefined && { input }) })
  const entries = git(['ls-tree', '-r', '-z', revision]).toString().split('\0').filter(Boolean)
  const blobs = entries.flatMap((entry) => entry.match(/^\d+ blob (\w+)\t(.+)$/)?.slice(1) ?? [])
  const paths = blobs.filter((_, index) => index % 2 === 1)
  const hashes = blobs.filter((_, index) => index % 2 === 0)
  const answer = git(['cat-file', '--batch'], `${hashes.join('\n')}\n`)
  const files = new Map<string, string>()
  let at = 0
  for (const path of paths) {
    const lineEnd = answer.indexOf('\n', at)
    const size = Number(answer.subarray(at, lineEnd).toString().split(' ')[2])
    files.set(path, answer.subarray(lineEnd + 1, lineEnd + 1 + size).toString())
    at = lineEnd + 1 + size + 1
  }
  return files
}

/** `folders` of the structure rules as they stand in that tree. */
export function folderListsOf(files: Files): Readonly<Record<string, readonly string[]>> {
  const literal = files.get('scripts/structure-rules.ts')?.match(/^export const folders[^=]*= (\{[\s\S]*?^\}|\{\})/m)?.[1]
  return literal === undefined ? {} : (runInNewContext(`(${literal})`) as Record<string, string[]>) // strings alone, by its type
}

/** The files of core that a cold read enters, by `cold-read-process.mjs`. */
export function enteredByColdRead(files: Files): string[] {
  const folder = makeScratch('measures-')
  try {
    for (const [path, text] of files) {
      if (!path.startsWith('packages/core/src/') || path.endsWith('.test.ts')) continue
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    const program = join(import.meta.dirname, 'cold-read-process.mjs')
    const output = execFileSync(process.execPath, [program, join(folder, 'packages/core/src')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return JSON.parse(output) as string[] // the program prints names
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
