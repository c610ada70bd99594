// Operates on a trail in a process of its own, and says how that ended.
import { SecretsError } from '@finchat/secrets-core'
import { eraseAuditNames } from '../retention/erase-audit-names.ts'
import { holdAuditFolder, releaseAuditFolder } from '../retention/hold-audit-folder.ts'
import { pruneAuditFolder } from '../retention/prune-audit-folder.ts'

const operations = {
  prune: async (folder: string) => pruneAuditFolder(folder, { before: Date.now(), reason: 'retention', acceptGap: true }),
  hold: async (folder: string, reason: string) => holdAuditFolder(folder, { reason }),
  release: async (folder: string, hold: string) => releaseAuditFolder(folder, { hold, reason: 'closed' }),
  erase: async (folder: string, file: string, name: string) => eraseAuditNames(folder, { file, names: [name], reason: 'request 17' }),
} as const

const [operation = '', folder = '', ...rest] = process.argv.slice(2)
process.stdout.write('begun\n')
const [one = '', other = ''] = rest
const [ended] = await Promise.allSettled([operations[operation as keyof typeof operations](folder, one, other)]) // from a test
const code = ended.status === 'rejected' && SecretsError.isInstance(ended.reason) ? ended.reason.code : ended.status
process.stdout.write(`${code}\n`)
