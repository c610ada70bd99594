import type { Claim, Entrant, Scenario } from '../harness/scenario.ts'

const entrant = (role: Entrant['role'], name: string): Record<string, Entrant> => ({
  [name]: { role, load: async () => (await import('../contenders/imports.ts')).timeOf(name) },
})

const limit = 'an empty package'
const stated = (ours: string, peer: string): Claim => ({ what: `import of ${ours}`, metric: 'time', ours, peer, limit })

export const scenario: Scenario = {
  title: 'Import of a package in a new process',
  processes: 'fresh',
  metrics: { time: 'ms', cpu: 'ms', memory: 'MB' },
  entrants: {
    ...entrant('limit', limit),
    ...entrant('ours', 'core'),
    ...entrant('ours', 'core and a manager'),
    ...entrant('ours', 'provider-local'),
    ...entrant('ours', 'provider-aws'),
    ...entrant('ours', 'provider-vault'),
    ...entrant('peer', 'keyv'),
    ...entrant('peer', 'lru-cache'),
    ...entrant('peer', 'cacheable'),
    ...entrant('peer', 'unstorage'),
    ...entrant('peer', 'powertools'),
    ...entrant('peer', 'SDK'),
    ...entrant('peer', 'node-vault'),
  },
  claims: [
    { what: 'import of core', metric: 'time', ours: 'core', peer: 'keyv', limit, goal: { kind: 'difference', to: 'limit', atMost: 3 } },
    stated('core and a manager', 'keyv'),
    stated('provider-local', 'unstorage'),
    stated('provider-aws', 'SDK'),
    stated('provider-vault', 'node-vault'),
  ],
}
