import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { expect, onTestFinished } from 'vitest'

/** A context whose signal never fires. */
export const context: CallContext = { signal: new AbortController().signal }

/** The files that age and sops made: see `fixtures/make.sh`. */
export const fixtures: string = join(import.meta.dirname, '../../fixtures')

export const identity: { readonly file: string } = { file: join(fixtures, 'age/identity.txt') }
export const hybridIdentity: { readonly file: string } = { file: join(fixtures, 'age/hybrid-identity.txt') }

/** A folder that is removed at the end of the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-file-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A folder for the harness of a suite, which removes it. */
export function suiteFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'secrets-file-'))
}

let written = 0

/** Writes another file and renames it over this one. */
export async function replaceFile(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const before = await changedAt(file)
  const aside = join(dirname(file), `..${(written += 1)}`)
  // Some kernels count a file's time in steps of 4 ms; no mount changes twice in one of them.
  do {
    await writeFile(aside, content)
    await rename(aside, file)
  } while ((await changedAt(file)) === before)
}

async function changedAt(file: string): Promise<bigint | undefined> {
  return (await stat(file, { bigint: true }).catch(() => undefined))?.ctimeNs
}

/**
 * Removes this process's right to a file or folder. Root, which nothing can be denied, becomes
 * another user.
 */
export async function deny(place: string): Promise<() => Promise<void>> {
  const { mode } = await stat(place)
  await chmod(place, 0o000)
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  return async () => {
    if (isRoot) process.seteuid?.(0)
    await chmod(place, mode)
  }
}

/** Makes a file larger than a secret's. */
export async function overfill(file: string): Promise<() => Promise<void>> {
  const content = await readFile(file)
  await writeFile(file, 'x'.repeat(65_537))
  return () => replaceFile(file, content)
}

/** Writes files as kubelet does: a new dated folder, then `..data` is swapped by a rename. */
export class KubernetesVolume {
  readonly folder: string
  #swaps = 0

  constructor(folder: string = temporaryFolder()) {
    this.folder = folder
  }

  async swap(contents: Readonly<Record<string, string>>): Promise<void> {
    const generation = `..2026_11_28_08_00_00.${(this.#swaps += 1)}`
    for (const [name, content] of Object.entries(contents)) await this.#write(generation, name, content)
    await symlink(generation, join(this.folder, '..data_tmp'))
    await rename(join(this.folder, '..data_tmp'), join(this.folder, '..data'))
    if (this.#swaps > 1) await rm(join(this.folder, `..2026_11_28_08_00_00.${this.#swaps - 1}`), { recursive: true })
  }

  async #write(generation: string, name: string, content: string): Promise<void> {
    const [first = ''] = name.split('/')
    await mkdir(dirname(join(this.folder, generation, name)), { recursive: true })
    await writeFile(join(this.folder, generation, name), content)
    await symlink(`..data/${first}`, join(this.folder, first)).catch(() => undefined) // it is there already
  }
}

/** The `SecretsError` that the call rejects with, or throws. */
export async function failure(call: () => unknown): Promise<SecretsError> {
  const [settled] = await Promise.allSettled([Promise.resolve().then(call)])
  const reason: unknown = settled.status === 'rejected' ? settled.reason : 'the call resolved'
  expect(SecretsError.isInstance(reason), String(reason)).toBe(true)
  return reason as SecretsError // asserted above
}

export async function listed(items: AsyncIterable<{ readonly path: string }>): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of items) paths.push(path)
  return paths
}
