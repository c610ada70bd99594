import { importedBy } from '../contenders/imported.ts'
import type { Claim, Scenario } from '../harness/scenario.ts'

const stated = (ours: string, peer: string): Claim => ({ what: `size of ${ours}, gzipped`, metric: 'gzipped', ours, peer })

export const scenario: Scenario = {
  title: 'Size of what an import reads',
  processes: 'fresh',
  metrics: { gzipped: 'KB', files: '' },
  entrants: importedBy('sizeOf'),
  claims: [
    { ...stated('core and a manager', 'keyv and an instance'), goal: { kind: 'value', atMost: 33 } },
    stated('provider-local', 'unstorage'),
    stated('provider-aws', 'SDK'),
    stated('provider-vault', 'node-vault'),
  ],
}
