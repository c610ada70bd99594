import type { Entrant } from '../harness/scenario.ts'

type Measure = 'timeOf' | 'sizeOf'
type Entrants = Readonly<Record<string, Entrant>>

/** What the import of one module costs, as one entrant. */
export const imported = (role: Entrant['role'], name: string, measure: Measure): Entrants => ({
  [name]: { role, load: async () => (await import('./imports.ts'))[measure](name) },
})

/** Our packages and their peers, by what their import costs. */
export const importedBy = (measure: Measure): Entrants => ({
  ...imported('ours', 'core and a manager', measure),
  ...imported('ours', 'provider-local', measure),
  ...imported('ours', 'provider-aws', measure),
  ...imported('ours', 'provider-vault', measure),
  ...imported('peer', 'keyv and an instance', measure),
  ...imported('peer', 'lru-cache', measure),
  ...imported('peer', 'cacheable', measure),
  ...imported('peer', 'unstorage', measure),
  ...imported('peer', 'powertools', measure),
  ...imported('peer', 'SDK', measure),
  ...imported('peer', 'node-vault', measure),
})
