import { resolve } from 'node:path'
import type { BackupComparison } from '@finchat/secrets-provider-local'
import { counted } from '../terminal/counted.ts'
import { assertConfirmed } from '../terminal/prompts.ts'
import { note, type Terminal } from '../terminal/terminal.ts'
import type { CommandContext, CommonFlags } from '../commands/context.ts'
import { contentsText, withLocalStore } from './local-store.ts'

export interface RestoreBackupFlags extends CommonFlags {
  readonly backup?: string
  readonly yes?: boolean
}

/** Puts a verified copy of a backup in the place of the local store. */
export async function restoreBackup(context: CommandContext, flags: RestoreBackupFlags, from: string): Promise<void> {
  const { terminal } = context
  const { report, places } = await withLocalStore('the store was not restored', context, flags, async (local) => ({
    report: await local.store.restoreBackup({
      from: resolve(terminal.cwd(), from),
      confirm: async (found) => confirmed(found, flags, terminal),
    }),
    places: local.places,
  }))
  const { problem, ...found } = report
  if (flags.json) return void terminal.stdout.write(`${JSON.stringify({ ...found, problem: problem?.code })}\n`)
  note(terminal, 'the store is restored: its secrets, versions and keys are those of the backup')
  if (report.former !== undefined) note(terminal, `the file that it had is kept: ${report.former}`)
  if (report.needsOtherKeys)
    note(
      terminal,
      `${places.key} alone does not open it: leave ${places.otherKey} where it is, and run \`finchat-secrets reencrypt\` again`,
    )
  if (report.lost !== 0) note(terminal, 'secrets that were rotated since have their former value: rotate them again')
  note(terminal, 'start the services anew, and clear a shared cache: both may know newer versions')
}

/** Shows what would be lost, and asks. */
async function confirmed(found: BackupComparison, { yes, json }: RestoreBackupFlags, terminal: Terminal): Promise<true> {
  if (!json) for (const line of comparison(found)) note(terminal, line)
  if (!yes) await assertConfirmed(terminal, 'Replace the store by the backup?')
  return true
}

function comparison({ backup, present, problem, lost }: BackupComparison): string[] {
  const head = [`the backup: ${contentsText(backup)}`]
  if (problem !== undefined)
    return [...head, `the store cannot be read: ${problem.problem}`, 'whether the backup lacks versions of it is not known']
  if (present === undefined) return [...head, 'there is no store now']
  const missing =
    lost === 0 ? 'the backup has every version of the store' : `the backup lacks ${counted(lost ?? 0, 'version')} of the store`
  const other = present.storeId === backup.storeId ? [] : ['the backup is of another store']
  return [...head, `the store:  ${contentsText(present)}`, ...other, missing]
}
