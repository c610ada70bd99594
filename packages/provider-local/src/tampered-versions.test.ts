import { copyFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { SecretsError } from '@finchat/secrets-core'
import { expect, test, vi } from 'vitest'
import { localProvider } from './local-provider.ts'
import { leafCount } from './record/tree-shape.ts'
import { context, failure, key, opened, tamper, temporaryPath, within } from './testing/temporary-store.ts'

vi.setConfig({ testTimeout: 120_000 }) // hundreds of writes, each to the disk

const last = 300
/** Both sides of each border between nodes, and the ends. */
const asked = [1, 2, 15, 16, 17, 31, 32, 255, 256, 257, 287, 288, 299, 300]
const valueOf = (version: number): string => `value ${version}`

/** Adds versions to a secret that keeps all of them. Its tree has three levels, the root included. */
async function write(path: string, from: number, to: number): Promise<void> {
  const work = async (provider: ReturnType<typeof localProvider>): Promise<void> => {
    for (let version = from; version <= to; version++) await provider.put('name', { value: valueOf(version) }, context)
  }
  await within(path, work, { keepVersions: 'all' })
}

/** The store as it was ten versions before the last, and as it is. */
async function twoStates(): Promise<[older: string, path: string]> {
  const [older, path] = [temporaryPath(), temporaryPath()]
  await write(path, 1, last - 10)
  copyFileSync(path, older)
  await write(path, last - 9, last)
  return [older, path]
}

function copyOf(path: string): string {
  const copy = temporaryPath()
  copyFileSync(path, copy)
  return copy
}

interface RowKey {
  readonly leaf: number
  readonly version: number
}

function rowsOf(path: string): RowKey[] {
  const sqlite = new DatabaseSync(path, { readOnly: true })
  const rows = sqlite.prepare("SELECT leaf, version FROM secrets WHERE path = 'name' ORDER BY leaf, version").all()
  sqlite.close()
  return rows.map(({ leaf, version }) => ({ leaf: Number(leaf), version: Number(version) }))
}

/** The secret's own row, every node, and versions near it and far away. */
function samples(path: string): RowKey[] {
  return rowsOf(path).filter(({ version }) => version <= 0 || asked.includes(version))
}

const at = ({ leaf, version }: RowKey): string => `path = 'name' AND leaf = ${leaf} AND version = ${version}`

/** What whoever can write the file might do to a row; `next` is another of its kind. */
const attacks: Readonly<Record<string, (row: RowKey, next: RowKey) => string>> = {
  dropped: (row) => `DELETE FROM secrets WHERE ${at(row)}`,
  'with another first byte': (row) =>
    `UPDATE secrets SET sealed = CAST(iif(substr(sealed, 1, 1) = x'7f', x'80', x'7f') || substr(sealed, 2) AS BLOB) WHERE ${at(row)}`,
  'cut short': (row) => `UPDATE secrets SET sealed = substr(sealed, 1, octet_length(sealed) - 33) WHERE ${at(row)}`,
  'with nothing in it': (row) => `UPDATE secrets SET sealed = NULL WHERE ${at(row)}`,
  'longer than any': (row) => `UPDATE secrets SET sealed = zeroblob(1048605) WHERE ${at(row)}`,
  'with the content of another': (row, next) =>
    `UPDATE secrets SET (facts, sealed) = (SELECT facts, sealed FROM secrets WHERE ${at(next)}) WHERE ${at(row)}`,
}

/** Every version is right or refused; returns how many are refused. */
async function refusals(path: string): Promise<number> {
  const provider = localProvider({ path, key, keepVersions: 'all' })
  const right = async (call: Promise<{ value: string | Uint8Array } | undefined>, version: number): Promise<number> => {
    const [settled] = await Promise.allSettled([call])
    if (settled.status === 'fulfilled') expect(settled.value?.value).toBe(valueOf(version))
    else expect(SecretsError.isInstance(settled.reason) && settled.reason.code).toBe('INTEGRITY')
    return settled.status === 'fulfilled' ? 0 : 1
  }
  const reads = [right(provider.get('name', context), last), right(provider.getVersion('name', 'previous', context), last - 1)]
  for (const version of asked) reads.push(right(provider.getVersion('name', version, context), version))
  const refused = (await Promise.all(reads)).reduce((sum, each) => sum + each, 0)
  const described = await provider.describe('name', context).catch(() => undefined)
  if (described) expect(described.versions?.map(({ version }) => version)).toEqual(Array.from({ length: 100 }, (_, n) => last - 99 + n))
  await provider.close()
  return refused
}

test('each altered, dropped or swapped row of a secret with many versions is INTEGRITY, never a wrong value', async () => {
  const [, path] = await twoStates()
  expect(await refusals(path)).toBe(0)
  const rows = samples(path)
  const attacked = temporaryPath()
  expect(rows.filter(({ version }) => version < 0).length).toBeGreaterThan(15)
  for (const [what, sql] of Object.entries(attacks)) {
    for (const [index, row] of rows.entries()) {
      const alike = rows.filter(({ version }) => Math.sign(version) === Math.sign(row.version) && version !== row.version)
      const next = alike[index % alike.length]
      // the secret's own row has no other of its kind
      if (!next && what.includes('another')) continue
      copyFileSync(path, attacked)
      tamper(attacked, sql(row, next ?? row))
      const seen = row.version < 0 ? 0 : 1 // a node may be above versions that are not read
      expect(await refusals(attacked), `${what}: ${at(row)}`).toBeGreaterThanOrEqual(seen)
    }
  }
})

test('each replayed row of a secret with many versions is INTEGRITY wherever it differs', async () => {
  const [older, path] = await twoStates()
  const attacked = temporaryPath()
  let noticed = 0
  for (const row of samples(older)) {
    copyFileSync(path, attacked)
    tamper(attacked, `ATTACH '${older}' AS old; INSERT OR REPLACE INTO secrets SELECT * FROM old.secrets WHERE ${at(row)}`)
    if ((await refusals(attacked)) > 0) noticed++
  }
  // its own row, and the nodes above the versions that were added
  expect(noticed).toBeGreaterThanOrEqual(3)
  copyFileSync(path, attacked)
  tamper(attacked, `ATTACH '${older}' AS old; DELETE FROM secrets; INSERT INTO secrets SELECT * FROM old.secrets`)
  expect(await refusals(attacked)).toBe(asked.length + 2)
})

test('a pruned version stays removed though its row or node is replayed', async () => {
  const [older, path] = await twoStates()
  await within(path, (provider) => provider.prune({ keepVersions: 20 }))
  for (const which of ['version > 0', 'version < 0', 'version <> 0']) {
    const attacked = copyOf(path)
    tamper(attacked, `ATTACH '${older}' AS old; INSERT OR REPLACE INTO secrets SELECT * FROM old.secrets WHERE ${which} AND version < 280`)
    const provider = opened(attacked, { keepVersions: 'all' })
    for (const version of [1, 16, 17, 256, 279]) {
      const answer = await provider.getVersion('name', version, context).catch((error: unknown) => error)
      expect(answer === undefined || (SecretsError.isInstance(answer) && answer.code === 'INTEGRITY'), `${which}: ${version}`).toBe(true)
    }
  }
})

test('a version cannot be inserted, at a free number or over a later one', async () => {
  const [, path] = await twoStates()
  for (const [number, from] of [
    [301, 300],
    [4_097, 300],
    [16 ** 4, 17],
  ] as const) {
    const attacked = copyOf(path)
    const columns = `leaf, path, ${number}, facts, digest, sealed`
    tamper(
      attacked,
      `INSERT INTO secrets SELECT ${columns} FROM secrets WHERE path = 'name' AND version = ${from} AND leaf >= ${leafCount}`,
    )
    expect(await opened(attacked).getVersion('name', number, context)).toBeUndefined()
    expect(await refusals(attacked)).toBe(0)
  }
})

test('a write on altered rows is INTEGRITY and changes nothing', async () => {
  const [, path] = await twoStates()
  const nodes = rowsOf(path).filter(({ version }) => version < 0)
  let refused = 0
  for (const row of nodes) {
    const attacked = copyOf(path)
    tamper(attacked, `DELETE FROM secrets WHERE ${at(row)}`)
    const [settled] = await Promise.allSettled([opened(attacked, { keepVersions: 'all' }).put('name', { value: 'on top' }, context)])
    if (settled.status === 'fulfilled') continue // the node is not above the new version
    expect(SecretsError.isInstance(settled.reason) && settled.reason.code).toBe('INTEGRITY')
    refused++
    expect(rowsOf(attacked)).toHaveLength(rowsOf(path).length - 1)
  }
  expect(refused).toBe(2)
  const attacked = copyOf(path)
  // the node of the oldest
  tamper(attacked, `DELETE FROM secrets WHERE path = 'name' AND version = -1`)
  expect((await failure(opened(attacked, { keepVersions: 5 }).put('name', { value: 'pushes out' }, context))).code).toBe('INTEGRITY')
})
