import type { AuditRecord, AuditSink } from '@finchat/secrets-core'

export type SinkBehaviour = 'ok' | 'throws' | 'rejects' | 'hangs' | 'slow'
export const behaviours: readonly SinkBehaviour[] = ['ok', 'throws', 'rejects', 'hangs', 'slow']

/** A slow sink answers after so long. */
export const slowMs = 50

export interface TrialSink extends AuditSink {
  behaviour: SinkBehaviour
  /** What it acknowledged, or was about to. */
  readonly records: AuditRecord[]
  /** How often it was called. */
  calls: number
}

/** A sink that behaves as it is told to for records of this phase, and well for the others. */
export function trialSink(name: string, behaviour: SinkBehaviour = 'ok', phase?: AuditRecord['phase'], canary = 'canary'): TrialSink {
  const sink: TrialSink = {
    specificationVersion: 'v1',
    name,
    behaviour,
    records: [],
    calls: 0,
    write: (record) => {
      sink.calls++
      return answers[phase === undefined || record.phase === phase ? sink.behaviour : 'ok'](sink, record, canary)
    },
  }
  return sink
}

type Answer = (sink: TrialSink, record: AuditRecord, canary: string) => Promise<void>

const answers: Record<SinkBehaviour, Answer> = {
  ok: async ({ records }, record) => void records.push(record),
  throws: (_sink, _record, canary) => {
    throw new TypeError(canary)
  },
  rejects: (_sink, _record, canary) => Promise.reject(new Error(canary)),
  hangs: () => new Promise(() => {}),
  slow: async ({ records }, record) => {
    await new Promise((resolve) => setTimeout(resolve, slowMs))
    records.push(record)
  },
}
