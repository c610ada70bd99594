import { constants } from 'node:fs'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { basename, extname, join, relative, resolve, sep } from 'node:path'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { UsageError } from '../terminal/failure.ts'
import type { Content, Contents, SourceOptions } from './source.ts'

/** Skipped, unless a path names them. The objects of `.git` are compressed: `--history` reads them. */
const skippedFolders = ['.git', 'node_modules']

export interface FilesOptions extends SourceOptions {
  readonly paths: readonly string[]
  /** Whether folders of packages are searched too. */
  readonly withPackages: boolean
}

/** The files at and below the paths; links are not followed. A path that does not exist is a usage error. */
export async function filesAt(options: FilesOptions): Promise<Contents> {
  const { paths, cwd } = options
  const roots = await Promise.all(paths.map(async (path) => rootAt(resolve(cwd, path), path)))
  return contentsOf(roots, options)
}

interface Root {
  readonly path: string
  readonly isFolder: boolean
}

async function rootAt(path: string, given: string): Promise<Root> {
  try {
    return { path, isFolder: (await stat(path)).isDirectory() }
  } catch {
    throw new UsageError(`there is no file or folder ${given}, or it cannot be read`, 'name what exists, relative to where you are')
  }
}

async function* contentsOf(roots: readonly Root[], options: FilesOptions): Contents {
  for (const { path, isFolder } of roots) {
    if (isFolder) yield* filesIn(path, options)
    else yield* fileAt(path, options)
  }
}

async function* filesIn(folder: string, options: FilesOptions): Contents {
  for (const entry of await entriesOf(folder, options)) {
    const path = join(folder, entry.name)
    if (options.isExcluded(shownPath(path, options))) continue
    if (entry.isFile()) yield* fileAt(path, options)
    else if (entry.isDirectory() && !isSkipped(entry.name, options)) yield* filesIn(path, options)
  }
}

function isSkipped(name: string, { withPackages }: FilesOptions): boolean {
  return skippedFolders.includes(name) && !(withPackages && name === 'node_modules')
}

async function entriesOf(folder: string, options: FilesOptions) {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  } catch {
    options.unreadable(shownPath(folder, options))
    return []
  }
}

function shownPath(path: string, { cwd }: FilesOptions): string {
  return (relative(cwd, path) || basename(path)).split(sep).join('/')
}

/** The file, and what it holds compressed. */
async function* fileAt(path: string, options: FilesOptions): Contents {
  const shown = shownPath(path, options)
  if (options.isExcluded(shown)) return
  yield* opened(
    path,
    (file) => contentOf(shown, file),
    () => options.unreadable(shown),
  )
  const decompress = decompressors[extname(path)]
  if (decompress !== undefined) yield* opened(path, (file) => ({ path: `${shown}!`, kind: 'file', chunks: decompressed(file, decompress) }))
}

async function* opened(path: string, content: (file: FileHandle) => Content, unreadable?: () => void): Contents {
  const file = await openFile(path)
  if (file === undefined) {
    unreadable?.()
    return
  }
  try {
    yield content(file)
  } finally {
    await file.close()
  }
}

function contentOf(path: string, file: FileHandle): Content {
  return { path, kind: 'file', chunks: file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 }) }
}

/** Never a pipe or a device, which might not end: also if a file was replaced by one meanwhile. */
async function openFile(path: string): Promise<FileHandle | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined)
  if (file === undefined || (await file.stat()).isFile()) return file
  await file.close()
  return undefined
}

const decompressors: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  '.gz': createGunzip,
  '.tgz': createGunzip,
  '.br': createBrotliDecompress,
}

/** Ends where the data are broken: then the name is wrong. */
async function* decompressed(file: FileHandle, decompress: () => NodeJS.ReadWriteStream): AsyncGenerator<Buffer> {
  const source = file.createReadStream({ autoClose: false })
  const output = decompress()
  source.on('error', () => output.end()).pipe(output)
  try {
    for await (const chunk of output) yield chunk as Buffer
  } catch {
    source.destroy()
  }
}
