import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileFailure, SecretsError } from '@finchat/secrets-core/provider'
import { canonicalLineIfAny } from '../record/canonical.ts'
import { type CheckpointState, signedText } from '../format/checkpoint-line.ts'
import type { SignatureVerifier } from '../keys/signature.ts'
import { folderError, shownPath } from '../format/folder-errors.ts'
import { type FoundCheckpoint, CheckpointTable } from './checkpoint-table.ts'
import { isCount, parsedLine } from '../format/segment-format.ts'
import { isRegularFile, linesOf } from '../format/segment-reader.ts'

export type CheckpointSource = string | readonly string[]

/**
 * Reads checkpoints from a file, a folder of files, or lines: bare, or in a record as any sink
 * wrote it. Skips other lines.
 */
export async function checkpointsIn(source: CheckpointSource, verifier?: SignatureVerifier): Promise<CheckpointTable> {
  const held = new CheckpointTable()
  for await (const [file, line, text] of sourceLines(source)) {
    const found = asCheckpoint(text, file, line)
    if (found === undefined) continue
    const { signature, ...checkpoint } = found
    if (verifier === undefined || verifier(checkpoint.signed ?? signedText(checkpoint), signature)) held.add(checkpoint)
    else held.refuse(checkpoint)
  }
  return held
}

async function* sourceLines(source: CheckpointSource): AsyncGenerator<readonly [file: string, line: number, text: Buffer]> {
  if (typeof source !== 'string') {
    for (const [index, line] of source.entries()) yield ['checkpoints', index + 1, Buffer.from(line)]
    return
  }
  try {
    for (const path of await pathsOf(source)) {
      let number = 0
      for await (const lines of linesOf(path)) for (const line of lines) yield [basename(path), ++number, line]
    }
  } catch (error) {
    throw folderError(error, source, 'the checkpoints')
  }
}

/** A missing path is the checkpoints', not the trail's. */
function asMissing(error: unknown, source: string): unknown {
  return fileFailure(error) === 'missing' ? missing('the checkpoints are not where `checkpoint` says', source) : error
}

export function noneOfThisFolder(source: CheckpointSource): SecretsError {
  return missing('there is no checkpoint of this folder where `checkpoint` says', source)
}

function missing(problem: string, source: CheckpointSource): SecretsError {
  return new SecretsError('AUDIT_FAILED', typeof source === 'string' ? `${problem}: ${shownPath(source)}` : problem, {
    remedy: 'correct it, or ask who removed them; without `checkpoint` the ends that no process ended stay unproven',
  })
}

/** Skips folders, such as `lost+found` of a mount, and broken links. */
async function pathsOf(source: string): Promise<readonly string[]> {
  const found = await stat(source).catch((error: unknown) => {
    throw asMissing(error, source)
  })
  if (!found.isDirectory()) return [source]
  const paths: string[] = []
  for (const name of (await readdir(source)).toSorted()) {
    const path = join(source, name)
    if (await isRegularFile(path)) paths.push(path)
  }
  return paths
}

/** `kind`, `v` and the checked members, without MAC and signature. */
const membersOfOurs = 11

function asCheckpoint(text: Buffer, file: string, line: number): (FoundCheckpoint & { readonly signature: unknown }) | undefined {
  const inner = text.includes('checkpoint') ? checkpointIn(text) : undefined
  if (inner?.['kind'] !== 'checkpoint') return undefined
  const { mac, signature, ...rest } = inner
  if (typeof mac !== 'string' || !isState(rest)) return undefined
  const { folder, step, group, bytes, records, index, time, seals, head } = rest
  const state = { folder, step, group, bytes, records, index, time, seals, head, mac, signature, file, line }
  if (inner['v'] === 2 && Object.keys(rest).length === membersOfOurs) return { ...state, signed: undefined }
  const signed = canonicalLineIfAny(rest)
  return signed === undefined ? undefined : { ...state, signed }
}

function isState(members: object): members is CheckpointState {
  const { folder, seals, head, step, group, bytes, records, index, time } = members as Partial<Record<keyof CheckpointState, unknown>> // each is looked at
  const [texts, counts] = [
    [folder, seals, head],
    [step, group, bytes, records, index, time],
  ]
  return texts.every((text) => typeof text === 'string') && counts.every(isCount)
}

/**
 * In JSON of any depth, or in a human line, behind any prefix of a server. Ours are a tenth of that
 * length.
 */
const named = /\bcheckpoint"?[:=] ?("(?:[^"\\]|\\.){0,4000}")/

/** A bare checkpoint, or one in a sink's record. */
function checkpointIn(text: Buffer): Readonly<Record<string, unknown>> | undefined {
  const quoted = named.exec(text.toString('utf8'))?.[1]
  if (quoted === undefined) return parsedLine(text)
  const { checkpoint } = parsedLine(Buffer.from(`{"checkpoint":${quoted}}`)) ?? {}
  return typeof checkpoint === 'string' ? parsedLine(Buffer.from(checkpoint)) : undefined
}
