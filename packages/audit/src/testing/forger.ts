import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalLine } from '../record/canonical.ts'
import { type CheckpointState, signedText } from '../format/checkpoint-line.ts'
import { segmentName } from '../format/end-of-segment.ts'
import { asIndexEntry, type EndedSegment, type IndexEntry, indexLine } from '../format/index-line.ts'
import { type ChainKey, parsedKey } from '../keys/key-chain.ts'
import { digestOf, noSeals, sealsWith } from '../record/digest.ts'
import { readSegment } from '../format/segment-reader.ts'

export interface Forgery {
  readonly line?: (line: string) => string
  readonly entry?: (entry: IndexEntry) => IndexEntry
}

interface Stand {
  readonly seals: string
  readonly bytes: number
}

/** What each group of each segment stands at in the rewritten trail, and the key of the group after. */
export type Rewritten = ReadonlyMap<string, Stand & { readonly key: ChainKey }>

/** Writes the whole trail anew, as only somebody can who has the auditor's key: every seal and line fits. */
export async function rewritten(folder: string, key: string, { line = same, entry = same }: Forgery): Promise<Rewritten> {
  const content = await readFile(join(folder, 'index.jsonl'), 'utf8')
  const entries = content.split('\n').flatMap((text) => asIndexEntry(Buffer.from(`${text}\n`)) ?? [])
  const stands = new Map<string, Stand & { readonly key: ChainKey }>()
  let [index, before] = ['', '']
  for (const { mac: _, ...old } of entries) {
    const stepKey = parsedKey(key).later(old.step)
    if (old.opens && existsSync(join(folder, segmentName(old.step))))
      await rewrittenSegment(folder, old.step, stepKey.derived('segment'), line, stands)
    const ended = old.ended.map((segment) => ({ ...segment, ...endOf(segment, stands) }))
    const text = indexLine({ ...entry({ ...old, ended }), before }, stepKey)
    before = digestOf(text)
    stands.set(`index ${old.step}`, { seals: before, bytes: 0, key: stepKey })
    index += text
  }
  await writeFile(join(folder, 'index.jsonl'), index)
  await rm(join(folder, 'key.json'), { force: true })
  return stands
}

/** The checkpoint again, signed for the rewritten trail, of the same group or of another one. */
export function rewrittenCheckpoint(text: string, stands: Rewritten, of?: number): string {
  const { mac: _, signature, ...old }: CheckpointState & { mac: string; signature?: string } = JSON.parse(text)
  const group = of ?? old.group
  const stand = stands.get(`${old.step} ${group}`)
  if (stand === undefined) throw new Error('there is no such group')
  const { key, ...stood } = stand
  const signed = signedText({ ...old, ...stood, group, head: stands.get(`index ${old.index}`)?.seals ?? '' })
  const mac = key.mac('checkpoint', signed).toString('base64url')
  return canonicalLine({ ...JSON.parse(signed), mac, ...(signature !== undefined && { signature }) }).trimEnd()
}

async function rewrittenSegment(
  folder: string,
  step: number,
  first: ChainKey,
  line: (line: string) => string,
  stands: Map<string, Stand & { readonly key: ChainKey }>,
): Promise<void> {
  const path = join(folder, segmentName(step))
  let [key, text, seals] = [first, '', noSeals]
  for await (const { lines, seal, sealLine } of readSegment(path)) {
    if (seal === undefined) throw new Error('the segment is torn')
    const own = lines.map((each) => line(each.toString()))
    const mac = key.mac('seal', ...own, seal.signed).toString('base64url')
    const sealed = sealLine.toString().replace(seal.mac, mac)
    text += own.join('') + sealed
    seals = sealsWith(seals, Buffer.from(sealed))
    key = key.derived('next')
    stands.set(`${step} ${seal.group}`, { seals: seals.toString('base64url'), bytes: Buffer.byteLength(text), key })
  }
  await writeFile(path, text)
}

function endOf({ step, group }: EndedSegment, stands: Rewritten): Partial<Stand> {
  const { key: _, ...stand } = stands.get(`${step} ${group}`) ?? {}
  return stand
}

function same<Value>(value: Value): Value {
  return value
}
