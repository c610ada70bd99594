import { existsSync } from 'node:fs'
import { mkdir, open, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileFailure, SecretsError } from '@finchat/secrets-core/provider'
import { shownPath } from '../disk/folder-errors.ts'
import { keyFile, readKey, replaceKey } from '../format/folder-key.ts'
import { syncFolder, syncHandle } from '../disk/fsync.ts'
import { firstEntry, rootOf } from '../format/first-entry.ts'
import { type IndexEntry, indexLine } from '../format/index-line.ts'
import type { Predecessor, SuccessorMark } from '../format/index-marks.ts'
import { indexFile } from '../format/segment-reader.ts'
import { type ChainKey, folderIdOf } from '../keys/key-chain.ts'

/** The line by which a folder is left, and its hash. */
export interface LeavingLine {
  readonly entry: IndexEntry
  readonly digest: string
}

/** The folders before the one that follows this one. */
function predecessorsAt(folder: string, { folder: id, step }: IndexEntry, { follows = [] }: IndexEntry): readonly Predecessor[] {
  return [...follows, { folder: id, name: follows.length === 0 ? '' : basename(folder), step }]
}

/** The id of the folder that follows an epoch, by its key. */
export function successorId(key: ChainKey): string {
  const first = key.derived('successor')
  try {
    return folderIdOf(first)
  } finally {
    first.wipe()
  }
}

/** A name that is not taken, by the day. */
export function successorNameOf(root: string, time: number): string {
  const day = new Date(time).toISOString().slice(0, 10)
  for (let number = 1; ; number++) {
    const name = number === 1 ? day : `${day}-${number}`
    if (!existsSync(join(root, name))) return name
  }
}

/**
 * Makes the folder ready in which the trail goes on. All that is in it follows from the line by which
 * the former is left, and from the key of that line's epoch: a process that dies in here leaves it to
 * the next. `key.json` is written last.
 */
export async function makeSuccessor(folder: string, { entry, digest }: LeavingLine, { name }: SuccessorMark, key: ChainKey): Promise<void> {
  const before = firstEntry(folder)
  const path = join(rootOf(folder, before), name)
  const first = key.derived('successor')
  const next = first.derived('next')
  try {
    const id = folderIdOf(first)
    if (await isReady(path, id)) return
    const { time, host, pid } = entry
    const follows = predecessorsAt(folder, entry, before)
    const line = indexLine({ v: 2, folder: id, step: 0, time, host, pid, before: digest, opens: false, ended: [], follows }, first)
    await mkdir(path, { recursive: true, mode: 0o700 })
    await writeFirstLine(path, line)
    await replaceKey(path, { folder: id, step: 1, key: next, live: [], unused: [] })
    await syncFolder(dirname(path))
  } finally {
    first.wipe()
    next.wipe()
  }
}

async function isReady(path: string, id: string): Promise<boolean> {
  if (!existsSync(join(path, keyFile))) return false
  const { folder, key } = await readKey(path)
  key.wipe()
  if (folder === id) return true
  throw isTaken(path)
}

/** A process that died in here left a part of the line, and nothing else. */
async function writeFirstLine(path: string, line: string): Promise<void> {
  const index = join(path, indexFile)
  const found = await readFile(index, 'utf8').catch((error: unknown) => {
    if (fileFailure(error) === 'missing') return ''
    throw error
  })
  if (!line.startsWith(found.replaceAll('\0', ''))) throw isTaken(path)
  const file = await open(index, 'w', 0o600)
  try {
    await file.writeFile(line)
    await syncHandle(file)
  } finally {
    await file.close()
  }
}

function isTaken(path: string): SecretsError {
  return new SecretsError('INTEGRITY', `the folder in which the audit trail goes on holds something else: ${shownPath(path)}`, {
    remedy: 'find out who put it there; move it away, and the trail goes on',
  })
}
