import type { Claim, Entrant, Scenario } from '../harness/scenario.ts'

const [many, kept, few] = ['10,000 versions', '10,000 versions, 100 kept', '10 versions']
const having = (store: string, versions: number, secrets: number): Entrant => ({
  role: 'ours',
  load: async () => (await import('../contenders/local-versions.ts')).versioned({ store, versions, secrets }),
})
const flat = (what: string, metric: string, ours: string): Claim => ({
  what,
  metric,
  ours,
  peer: few,
  goal: { kind: 'ratio', to: 'peer', atMost: 1.5 },
})

export const scenario: Scenario = {
  title: 'Local store by the versions of a secret: a put, its processor time, and a read of any one version',
  processes: 'kept',
  metrics: { put: 'µs', cpu: 'µs', version: 'µs' },
  prepare: async (scale) => (await import('../stages/local-store.ts')).versionsStage(scale),
  entrants: { [many]: having('many', 10_000, 1), [kept]: having('kept', 100, 1), [few]: having('few', 10, 40) },
  claims: [
    flat('local put at 10,000 versions beside 10', 'put', many),
    flat('local put at 10,000 versions beside 10: processor time', 'cpu', many),
    { what: 'local put that pushes out a version, beside one at 10', metric: 'cpu', ours: kept, peer: few },
    { what: 'local getVersion among 10,000 versions beside 10', metric: 'version', ours: many, peer: few },
  ],
}
