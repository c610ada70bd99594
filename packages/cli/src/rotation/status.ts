import type * as Report from '@finchat/secrets-audit/report'
import type { RotationStatus, SecretUser } from '@finchat/secrets-rotation'
import type { SecretsManager } from '@finchat/secrets-core'
import { loadPackage } from '../config/provider-packages.ts'
import { counted } from '../terminal/counted.ts'
import { exitCodes } from '../terminal/exit-codes.ts'
import { printTable } from '../terminal/table.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import type { Prepared } from './policy.ts'
import type { Project, RotationKit } from './project.ts'
import type { RotationCall } from './rotation-call.ts'
import { timeOf } from './words.ts'

/** `auditFolder` has records of who read which version. */
export async function statusOf(
  kit: RotationKit,
  secrets: SecretsManager,
  name: string,
  {
    target,
    actor,
    signal,
    auditFolder,
    project,
  }: Prepared & RotationCall & { readonly auditFolder: string | undefined; readonly project: Project },
): Promise<RotationStatus> {
  const records = auditFolder === undefined ? undefined : await recordsIn(auditFolder, project)
  return kit.rotationStatus(secrets, name, { target, records, actor, signal })
}

async function recordsIn(folder: string, project: Project): Promise<ReturnType<typeof Report.readAuditRecords>> {
  const report = await loadPackage<typeof Report>('@finchat/secrets-audit/report', 'readAuditRecords', project.folder)
  return report.readAuditRecords(folder)
}

export async function printStatus(name: string, status: RotationStatus, asJson: boolean, terminal: Terminal): Promise<void> {
  if (asJson) return void terminal.stdout.write(`${JSON.stringify({ name, ...status })}\n`)
  const users = status.users.map((user) => [
    'user',
    whoIs(user),
    versionsOf(user.uses),
    timeOf(user.seenAt ?? user.since) ?? '',
    user.isAlive ? '' : 'vanished',
  ])
  const reads = status.lastUses.map((use) => [
    'read',
    `${use.actor ?? ''}@${use.host ?? ''}`,
    versionsOf([use]),
    timeOf(use.lastUsedAt) ?? '',
    counted(use.reads, 'time'),
  ])
  await printTable({ headings: ['what', 'who', 'version', 'last seen', 'note'], rows: [...users, ...reads] }, terminal)
  const gap = status.gap === undefined ? '' : `: ${gaps[status.gap]}`
  note(terminal, `${name}: ${verdicts[status.verdict]}${gap}`)
  if (status.sessions !== undefined) note(terminal, `sessions of the former version at the target: ${status.sessions}`)
}

function whoIs({ actor, host, pid }: SecretUser): string {
  return `${actor ?? ''}@${host}${pid === undefined ? '' : `:${pid}`}`
}

function versionsOf(uses: readonly { readonly version?: number | undefined; readonly revision?: string | undefined }[]): string {
  return uses.map(({ version, revision }) => version ?? revision ?? '').join(',')
}

const verdicts: { readonly [verdict in RotationStatus['verdict']]: string } = {
  safe: 'the former version is unused: it may be withdrawn',
  nothing: 'there is no former version with another value',
  inUse: 'the former version is in use',
  unknown: 'it is unknown whether the former version is in use',
}

const gaps: { readonly [gap in NonNullable<RotationStatus['gap']>]: string } = {
  notKept: 'services keep no usage marks here, which need a shared cache',
  lost: 'usage marks are missing',
  restartUnknown: 'the shared cache does not report its restarts',
  timeUnknown: 'the store does not report since when the version is current',
  formerUnreadable: 'the former version cannot be read',
  unreachable: 'the shared cache cannot be asked',
}

/** A gate for scripts: whether the former version may be withdrawn. */
export function exitCodeOfStatus({ verdict }: RotationStatus): number {
  return verdict === 'safe' || verdict === 'nothing' ? exitCodes.ok : exitCodes.differs
}
