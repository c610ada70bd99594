import type { Claim, Entrant, Scenario } from '../harness/scenario.ts'

const entrant = (role: Entrant['role'], name: string): Record<string, Entrant> => ({
  [name]: { role, load: async () => (await import('../contenders/imports.ts')).sizeOf(name) },
})

const stated = (ours: string, peer: string): Claim => ({ what: `size of ${ours}, gzipped`, metric: 'gzipped', ours, peer })

export const scenario: Scenario = {
  title: 'Size of what an import reads',
  processes: 'fresh',
  metrics: { gzipped: 'KB', files: '' },
  entrants: {
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
    { what: 'size of core, gzipped', metric: 'gzipped', ours: 'core', peer: 'keyv', goal: { kind: 'value', atMost: 10 } },
    stated('core and a manager', 'keyv'),
    stated('provider-local', 'unstorage'),
    stated('provider-aws', 'SDK'),
    stated('provider-vault', 'node-vault'),
  ],
}
