import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { givenOrders } from '../harness/child.ts'
import type { Damage, Findings } from './damage.ts'
import { answersOf, areRight, isComplaint } from './questions.ts'

/* Damages copies of a store, one after the other, and asks each of them everything. A crash of it is a finding, too. */
const damage = givenOrders() as Damage // as the parent process gives them

async function tryAll({ path, file, log, target, kind, from, step, states }: Damage): Promise<Findings> {
  const intact = { file: readFileSync(file), log: log === undefined ? undefined : readFileSync(log) }
  const victim = intact[target] ?? Buffer.alloc(0)
  const places = kind === 'flips' ? victim.length * 8 : victim.length
  const findings = { tried: 0, noticed: 0, faults: [] as string[] }
  for (let place = from; place < places; place += step) {
    const damaged = kind === 'flips' ? withBitFlipped(victim, place) : victim.subarray(0, place)
    lay(path, { ...intact, [target]: damaged })
    const answers = await answersOf(path)
    findings.tried++
    if (isComplaint(answers)) findings.noticed++
    if (!areRight(answers, states)) findings.faults.push(`at ${place} it answers ${answers.join(' | ')}`)
  }
  return findings
}

function withBitFlipped(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes)
  flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
  return flipped
}

function lay(path: string, { file, log }: { readonly file: Buffer; readonly log: Buffer | undefined }): void {
  for (const suffix of ['-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true })
  writeFileSync(path, file)
  if (log) writeFileSync(`${path}-wal`, log)
}

void tryAll(damage).then((findings) => process.stdout.write(JSON.stringify(findings)))
