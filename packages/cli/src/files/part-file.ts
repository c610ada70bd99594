import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemCode } from '@finchat/secrets-core/provider'

/** Those that this process writes now. */
const open = new Set<string>()

/** Runs `write` with the name of a file until it is whole, which tells the process that writes it. */
export async function withPart(path: string, write: (part: string) => Promise<void>): Promise<void> {
  const part = newPart(path)
  open.add(part)
  try {
    await write(part)
  } finally {
    open.delete(part)
    await rm(part, { force: true }).catch(() => undefined) // the next run removes it
  }
}

export function newPart(path: string): string {
  return `${path}.${process.pid}.${randomBytes(6).toString('hex')}.part`
}

/** Removes what killed runs left of a file. A part that another process still writes stays. */
export function removeParts(path: string): void {
  const folder = dirname(path)
  for (const part of partsOf(basename(path), folder).map((name) => join(folder, name))) {
    try {
      if (!open.has(part)) rmSync(part)
    } catch {
      // It is another user's.
    }
  }
}

function partsOf(name: string, folder: string): readonly string[] {
  return namesIn(folder).filter((each) => {
    const [, process] = (each.startsWith(`${name}.`) && /^([1-9]\d{0,8})\.[0-9a-f]{12}\.part$/.exec(each.slice(name.length + 1))) || []
    return process !== undefined && !isOther(Number(process))
  })
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // writing says why
  }
}

/** Whether another process of this number runs. In a container every run may have the same one. */
function isOther(id: number): boolean {
  if (id === process.pid) return false
  try {
    return process.kill(id, 0)
  } catch (error) {
    return systemCode(error) === 'EPERM' // it runs, as another user
  }
}
