import { auditTrail } from '@finchat/secrets-audit'
import { createSecretsManager, type AuditTrail } from '@finchat/secrets-core'
import { repeated } from '../harness/measure.ts'
import type { Contender, Task } from '../harness/scenario.ts'
import { ownSink } from './audit-ours.ts'
import { manyAtOnce, oneByOne } from './audit-work.ts'
import { secretName } from './cache-work.ts'

type Read = () => Promise<unknown>
type Round = (task: Task, read: Read) => ReturnType<typeof repeated>
type MakeTrail = (task: Task) => Promise<AuditTrail | undefined> | AuditTrail | undefined

const reads =
  (trail: MakeTrail, round: Round): Contender =>
  async (task) => {
    const get = async (): Promise<{ value: string }> => ({ value: 'the value of the secret' })
    const secrets = createSecretsManager({ providers: [{ specificationVersion: 'v1', name: 'store', get }], audit: await trail(task) })
    const read = (): Promise<unknown> => secrets.getSecret(secretName, { actor: 'webapp' })
    await read()
    return { round: () => round(task, read), close: () => secrets.close() }
  }

const forAWhile: Round = ({ scale }, read) => repeated(150 * scale, 'µs', read)
const few: Round = (task, read) => oneByOne(task, 500, read)
const many: Round = (task, read) => manyAtOnce(task, 50_000, read)

const noOp: AuditTrail = { specificationVersion: 'v1', record: async () => {} }
const sealedTrail: MakeTrail = async (task) => auditTrail({ sinks: [await ownSink(task, { durable: true })] })

export const unaudited: Contender = reads(() => undefined, forAWhile)
export const noOpTrail: Contender = reads(() => noOp, forAWhile)
/** All that a trail does but write. */
export const noOpSink: Contender = reads(
  () => auditTrail({ sinks: [{ specificationVersion: 'v1', name: 'nowhere', write: async () => {} }] }),
  forAWhile,
)
export const unauditedAtOnce: Contender = reads(() => undefined, many)
export const durableOneByOne: Contender = reads(sealedTrail, few)
export const durableAtOnce: Contender = reads(sealedTrail, many)
