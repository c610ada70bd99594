import { imported, importedBy } from '../contenders/imported.ts'
import type { Claim, Scenario } from '../harness/scenario.ts'

const limit = 'an empty package'
const stated = (ours: string, peer: string): Claim => ({ what: `import of ${ours}`, metric: 'time', ours, peer, limit })

export const scenario: Scenario = {
  title: 'Import of a package in a new process',
  processes: 'fresh',
  metrics: { time: 'ms', cpu: 'ms', memory: 'MB' },
  entrants: {
    ...imported('limit', limit, 'timeOf'),
    ...importedBy('timeOf'),
  },
  claims: [
    { ...stated('core and a manager', 'keyv and an instance'), goal: { kind: 'difference', to: 'peer', atMost: 1 } },
    stated('provider-local', 'unstorage'),
    stated('provider-aws', 'SDK'),
    stated('provider-vault', 'node-vault'),
  ],
}
