import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { auditTrail, jsonLinesFile, verifyAuditTrail } from '@finchat/secrets-audit'
import { eraseAuditNames, holdAuditFolder, pruneAuditFolder, releaseAuditFolder, rotateAuditFolder } from '@finchat/secrets-audit/folder'
import { copyAuditTrail } from '@finchat/secrets-audit/report'
import { createSecretsManager, envProvider, SecretsError } from '@finchat/secrets-core'
import { givenOrders } from '../harness/child.ts'
import { Tally } from '../harness/fault-injection.ts'
import { randomFrom } from '../harness/random.ts'
import type { OperationsOrders, OperationsReport } from './trail-operations.ts'

/*
 * One of the processes that operate on one trail. It does what chance says until its time is over, and
 * prints what it did, with every promise that it saw broken.
 */
const orders = givenOrders() as OperationsOrders // as the fault-injection test gives them
const { folder, checkpoints, key, names, targets, number, seed } = orders
const random = randomFrom(seed)
const tally = new Tally()

/** Each is the first of one process, so that none is left out, however slow the machine is. */
const distinct = [write, copy, prune, hold, erase, rotate, verify, verifyCopy] as const

/** Those that occur more often stand there more often. */
const operations = [...distinct, write, write, write, copy, prune, verify] as const

/** Some of the persons that any process writes about, so that others erase them. */
const person = (): string => `person ${random.below(40)}`

async function write(): Promise<void> {
  const sink = jsonLinesFile({ folder, checkpoints: { to: checkpoints } })
  const audit = auditTrail({ sinks: [sink], sealNames: { file: names } })
  const secrets = createSecretsManager({ providers: [envProvider({ env: { TOKEN: 'hunter2' } })], audit })
  for (let reads = random.below(5); reads >= 0; reads--) await secrets.getSecret('TOKEN', { actor: person() })
  await secrets.close()
}

/** What it made verifies, also while the next copies into it. */
async function copy(): Promise<void> {
  const target = random.pick(targets)
  await copyAuditTrail(folder, target, { checkpoints })
  await verified(join(target, 'audit'), join(target, 'checkpoints'))
}

async function prune(): Promise<void> {
  const { segments } = await pruneAuditFolder(folder, { before: Date.now() - random.below(500), reason: 'retention' })
  tally.count('segments removed', segments)
}

/** Once it is acknowledged, neither a file nor a name's key goes until it is released. */
async function hold(): Promise<void> {
  const reason = `case ${number}`
  await holdAuditFolder(folder, { reason })
  const [segments, keys] = [segmentsIn(), keysIn()]
  await sleep(random.below(1_000))
  const [now, nowKeys] = [new Set(segmentsIn()), keysIn()]
  const gone = segments.filter((path) => !now.has(path))
  if (gone.length > 0) tally.fault(`${gone.length} of ${segments.length} segments were removed under a hold`)
  if (!nowKeys.subarray(0, keys.length).equals(keys)) tally.fault('the keys of names were changed under a hold')
  const { holdsInForce } = await verifyAuditTrail(folder, { key, checkpoint: checkpoints })
  if (!holdsInForce.some((each) => each.reason === reason)) tally.fault(`the hold '${reason}' is not in force`)
  await releaseAuditFolder(folder, { hold: reason, reason: 'closed' })
}

async function erase(): Promise<void> {
  await eraseAuditNames(folder, { file: names, names: [person()], reason: 'request 17' })
}

async function rotate(): Promise<void> {
  if (random.chance(0.3)) await rotateAuditFolder(folder)
}

async function verify(): Promise<void> {
  await verified(folder, checkpoints)
}

async function verifyCopy(): Promise<void> {
  const target = random.pick(targets)
  if (readdirOr(target).includes('audit')) await verified(join(target, 'audit'), join(target, 'checkpoints'))
}

async function verified(path: string, checkpoint: string): Promise<void> {
  const { ok, problem } = await verifyAuditTrail(path, { key, checkpoint })
  if (!ok) tally.fault(`${path}: ${problem?.file}:${problem?.line} ${problem?.what}: ${problem?.explanation}`)
}

function segmentsIn(): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => /segment-[^/]+\.jsonl$/.test(path))
}

/** Without a row that is being written. */
function keysIn(): Buffer {
  try {
    const rows = readFileSync(names)
    return rows.subarray(0, rows.lastIndexOf(0x0a) + 1)
  } catch {
    return Buffer.alloc(0) // no name was sealed yet
  }
}

function readdirOr(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** What may be refused, by the operation: under a hold, for a name without a key, beside too many writers. */
const refusals: Readonly<Record<string, RegExp>> = {
  prune: /is under (a|\d+) legal hold|processes wrote to the index of .* whenever it was read/,
  erase: /is under (a|\d+) legal hold|no key of|has no keys|\(missing\)/,
}

async function operate(): Promise<void> {
  const until = performance.now() + orders.operateMs
  let operation: (typeof operations)[number] = distinct[number % distinct.length] ?? write
  do {
    try {
      await operation()
      tally.count(operation.name)
    } catch (error) {
      const text = SecretsError.isInstance(error) ? `${error.code} ${error.message}` : String(error)
      if (refusals[operation.name]?.test(text) === true) tally.count(`${operation.name}, refused`)
      else tally.fault(`${operation.name}: ${text}`)
    }
    operation = random.pick(operations)
  } while (performance.now() < until)
  const report: OperationsReport = { counts: [...tally.counts], faults: tally.faults }
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

void operate()
