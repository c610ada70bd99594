import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { SecretsError } from '@finchat/secrets-core'
import { describe, expect, test } from 'vitest'
import { localProvider } from './local-provider.ts'
import { leafOf } from './record/tree-shape.ts'
import { collected, context, failure, key, opened, tamper, temporaryPath, within } from './testing/temporary-store.ts'

/** The content of the tampered store: each name with its versions. */
const content: Readonly<Record<string, readonly string[]>> = {
  alpha: ['alpha-1', 'alpha-2'],
  beta: ['beta-1'],
  gamma: ['gamma-1', 'gamma-2', 'gamma-3'],
}

async function filledStore(): Promise<string> {
  const path = temporaryPath()
  await within(path, async (provider) => {
    for (const [name, values] of Object.entries(content)) {
      for (const value of values) await provider.put(name, { value, tags: { team: 'pay' } }, context)
    }
    await provider.put('withdrawn', { value: 'withdrawn-1' }, context)
    await provider.delete('withdrawn', { purge: false }, context)
  })
  return path
}

/** Each kind of read returns the right value or one of our errors; returns the number of errors. */
async function failuresOf(path: string): Promise<number> {
  const provider = localProvider({ path, key, mustExist: true })
  const reads: Promise<boolean>[] = []
  const check = (call: Promise<unknown>, right: unknown): void => void reads.push(isRightOrOurs(call, right))
  for (const [name, values] of Object.entries(content)) {
    check(
      provider.get(name, context).then((secret) => secret?.value),
      values.at(-1),
    )
    check(
      provider.describe(name, context).then((secret) => secret?.tags),
      { team: 'pay' },
    )
    for (const [index, value] of values.entries())
      check(
        provider.getVersion(name, index + 1, context).then((secret) => secret?.value),
        value,
      )
  }
  check(
    provider.get('withdrawn', context).catch((error: unknown) => (codeOf(error) === 'DELETED' ? 'gone' : Promise.reject(error))),
    'gone',
  )
  check(provider.get('never', context), undefined)
  check(
    collected(provider.list('', context)).then((all) => all.map((secret) => secret.path)),
    Object.keys(content),
  )
  const failed = (await Promise.all(reads)).filter((right) => !right).length
  await provider.close()
  return failed
}

async function isRightOrOurs(call: Promise<unknown>, right: unknown): Promise<boolean> {
  const [settled] = await Promise.allSettled([call])
  if (settled.status === 'fulfilled') expect(settled.value).toEqual(right)
  else expect(['INTEGRITY', 'CONFIGURATION', 'UNAVAILABLE', 'PERMISSION_DENIED']).toContain(codeOf(settled.reason))
  return settled.status === 'fulfilled'
}

function codeOf(error: unknown): string | undefined {
  return SecretsError.isInstance(error) ? error.code : undefined
}

/** Every offset in a full run (minutes), else every nth from a random start. */
function sampled(length: number, every: number): number[] {
  const step = process.env['EVERY_BYTE'] ? 1 : every
  const start = Math.floor(Math.random() * step)
  return Array.from({ length: Math.ceil((length - start) / step) }, (_, index) => start + index * step)
}

describe('a damaged file', () => {
  test('with any one byte changed gives the right value or one of our errors', async () => {
    const path = await filledStore()
    const intact = readFileSync(path)
    const damaged = temporaryPath()
    let noticed = 0
    for (const offset of new Set([...sampled(100, 3), ...sampled(intact.length, 61)])) {
      const bytes = Buffer.from(intact)
      bytes.writeUInt8(bytes.readUInt8(offset) ^ (1 << (offset % 8)), offset)
      writeFileSync(damaged, bytes)
      if ((await failuresOf(damaged)) > 0) noticed++
    }
    expect(noticed).toBeGreaterThan(0)
    expect(await failuresOf(path)).toBe(0)
  }, 600_000)

  test('truncated anywhere gives the right value or one of our errors', async () => {
    const path = await filledStore()
    const intact = readFileSync(path)
    const cut = temporaryPath()
    for (const length of new Set([0, 1, 99, 100, 512, 4095, 4096, ...sampled(intact.length, 997)])) {
      writeFileSync(cut, intact.subarray(0, length))
      expect(await failuresOf(cut), `${length} bytes`).toBeGreaterThan(0)
    }
  }, 600_000)

  test('whose log is damaged or truncated gives an earlier state or one of our errors, never a mixture', async () => {
    const path = await filledStore()
    const provider = opened(path)
    for (const value of ['alpha-3', 'alpha-4']) {
      await provider.put('alpha', { value }, context)
      await provider.put('beta', { value: `beta of ${value}` }, context)
    }
    // two in, two out
    const [file, log] = [path, `${path}-wal`].map((each) => execFileSync('cat', [each], { maxBuffer: 2 ** 28 })) as [Buffer, Buffer]
    const damaged = temporaryPath()
    const states = [
      ['alpha-2', 'beta-1'],
      ['alpha-3', 'beta-1'],
      ['alpha-3', 'beta of alpha-3'],
      ['alpha-4', 'beta of alpha-3'],
      ['alpha-4', 'beta of alpha-4'],
    ]
    for (let offset = Math.floor(Math.random() * 499); offset < log.length; offset += 499) {
      const flipped = Buffer.from(log)
      flipped.writeUInt8(flipped.readUInt8(offset) ^ 0x10, offset)
      for (const bytes of [flipped, log.subarray(0, offset)]) {
        writeFileSync(damaged, file)
        writeFileSync(`${damaged}-wal`, bytes)
        const other = localProvider({ path: damaged, key, mustExist: true })
        const answers = await other.getMany(['alpha', 'beta'], context).catch((error: unknown) => codeOf(error))
        await other.close()
        if (typeof answers === 'string') expect(answers).toBe('INTEGRITY')
        else expect(states).toContainEqual(answers?.map((answer) => answer.status === 'fulfilled' && answer.value?.value))
      }
    }
  }, 600_000)

  test('that is empty is INTEGRITY, not a new store', async () => {
    const path = temporaryPath()
    writeFileSync(path, '')
    expect(await failure(opened(path).get('alpha', context))).toMatchObject({
      code: 'INTEGRITY',
      problem: `the store's file "${path}" is empty`,
    })
    expect(readFileSync(path).length).toBe(0)
  })
})

const ofAlpha = 'UPDATE secrets SET facts ='

/**
 * What whoever can write the file might try. None may be answered by a value or by "does not
 * exist".
 */
const attacks: Readonly<Record<string, string>> = {
  'a whole secret dropped': "DELETE FROM secrets WHERE path = 'alpha' AND version = 0",
  'a whole secret dropped, its versions with it': "DELETE FROM secrets WHERE path = 'alpha'",
  'the current version dropped': "DELETE FROM secrets WHERE path = 'alpha' AND version = 2",
  'an old version made current': `${ofAlpha} json_set(facts, '$[1]', 1) WHERE path = 'alpha' AND version = 0`,
  'two versions of one secret swapped': `UPDATE secrets SET version = -version WHERE path = 'alpha' AND version > 0;
    UPDATE secrets SET version = 3 + version WHERE path = 'alpha' AND version < 0`,
  'the facts of two versions swapped': `CREATE TEMP TABLE f AS SELECT version, facts FROM secrets WHERE path = 'alpha';
    UPDATE secrets SET facts = (SELECT facts FROM f WHERE f.version = 3 - secrets.version) WHERE path = 'alpha' AND version > 0`,
  'the values of two versions swapped':
    "UPDATE secrets SET sealed = (SELECT sealed FROM secrets s WHERE s.path = 'alpha' AND s.version = 1) WHERE path = 'alpha' AND version = 2",
  'the value of another secret put in its place':
    "UPDATE secrets SET sealed = (SELECT sealed FROM secrets s WHERE s.path = 'beta' AND s.version = 1) WHERE path = 'alpha' AND version > 0",
  'two secrets swapped, rows and all': `UPDATE secrets SET path = 'x' WHERE path = 'alpha'; UPDATE secrets SET path = 'alpha' WHERE path = 'beta';
    UPDATE secrets SET path = 'beta' WHERE path = 'x'`,
  'two secrets swapped, rows, leaves and all': `UPDATE secrets SET path = 'x', leaf = 9999 WHERE path = 'alpha';
    UPDATE secrets SET path = 'alpha', leaf = ${leafOf('alpha')} WHERE path = 'beta';
    UPDATE secrets SET path = 'beta', leaf = ${leafOf('beta')} WHERE path = 'x'`,
  'a renamed secret': "UPDATE secrets SET path = 'alpha2' WHERE path = 'alpha'",
  'a secret in another leaf': "UPDATE secrets SET leaf = leaf + 1 WHERE path = 'alpha'",
  'a secret in another leaf too':
    "INSERT INTO secrets SELECT leaf + 1, path, version, facts, digest, sealed FROM secrets WHERE path = 'alpha'",
  'a tombstone set': `${ofAlpha} json_set(facts, '$[4]', 1) WHERE path = 'alpha' AND version = 0`,
  'its tags changed': `${ofAlpha} json_set(facts, '$[5].team', 'core') WHERE path = 'alpha' AND version = 0`,
  'its facts made nonsense': `${ofAlpha} '{' WHERE path = 'alpha' AND version = 0`,
  'its time changed': `${ofAlpha} json_set(facts, '$[4]', json_extract(facts, '$[4]') - 1) WHERE path = 'alpha' AND version > 0`,
  'its kind changed': `${ofAlpha} json_set(facts, '$[2]', 1) WHERE path = 'alpha' AND version > 0`,
  'a number out of bounds': `${ofAlpha} json_set(facts, '$[0]', 9223372036854775807) WHERE path = 'alpha' AND version = 0`,
  'the same facts, written otherwise': `${ofAlpha} replace(facts, ',', ', ') WHERE path = 'alpha' AND version = 0`,
  'its digest changed': "UPDATE secrets SET digest = zeroblob(32) WHERE path = 'alpha' AND version = 0",
  'every bucket emptied': 'DELETE FROM secrets',
  'the digest of a bucket changed': 'UPDATE root SET buckets = CAST(zeroblob(32) || substr(buckets, 33) AS BLOB)',
  'a bucket dropped': 'UPDATE root SET buckets = substr(buckets, 33)',
  'the root dropped': 'DELETE FROM root',
  'the change counter turned back': 'UPDATE root SET changes = changes - 1',
  'a wrapped key changed': 'UPDATE keys SET wrapped = zeroblob(length(wrapped))',
  'the names of retired keys changed': 'UPDATE upkeep SET retired = zeroblob(length(retired))',
  'the names of retired keys cut off': 'UPDATE upkeep SET retired = substr(retired, 2)',
  'the names of retired keys dropped': 'DELETE FROM upkeep',
  'the count of residue out of bounds': 'UPDATE upkeep SET residue = -1',
  'another store id': 'UPDATE store SET store_id = randomblob(16)',
  'a trigger added': 'CREATE TRIGGER t AFTER INSERT ON secrets BEGIN DELETE FROM root; END',
  'a view in place of a table': 'ALTER TABLE secrets RENAME TO s; CREATE VIEW secrets AS SELECT * FROM s',
  'a table dropped': 'DROP TABLE secrets',
}

describe('a store with altered rows', () => {
  for (const [attack, sql] of Object.entries(attacks)) {
    test(`${attack} is INTEGRITY for that secret`, async () => {
      const path = await filledStore()
      tamper(path, sql)
      expect(await failure(opened(path).get('alpha', context))).toMatchObject({ code: 'INTEGRITY' })
      await failuresOf(path)
    })
  }

  test('a deleted secret cannot be restored by editing the file', async () => {
    const path = await filledStore()
    tamper(path, "UPDATE secrets SET facts = json_set(facts, '$[4]', NULL) WHERE path = 'withdrawn' AND version = 0")
    expect((await failure(opened(path).get('withdrawn', context))).code).toBe('INTEGRITY')
  })

  test('a secret cannot be inserted', async () => {
    const path = await filledStore()
    tamper(path, "INSERT INTO secrets SELECT leaf, 'planted', version, facts, digest, sealed FROM secrets WHERE path = 'alpha'")
    const provider = opened(path)
    expect((await failure(collected(provider.list('', context)))).code).toBe('INTEGRITY')
    expect((await failure(provider.put('alpha', { value: 'on top of it' }, context))).code).toBe('INTEGRITY')
  })

  test('replayed rows of an earlier state are INTEGRITY', async () => {
    const path = await filledStore()
    const earlier = temporaryPath()
    copyFileSync(path, earlier)
    await within(path, (provider) => provider.put('alpha', { value: 'alpha-3' }, context))
    tamper(path, `ATTACH '${earlier}' AS old; DELETE FROM secrets; INSERT INTO secrets SELECT * FROM old.secrets`)
    expect((await failure(opened(path).get('alpha', context))).code).toBe('INTEGRITY')
  })

  test('rows of another store under the same key are INTEGRITY', async () => {
    const [path, other] = [await filledStore(), await filledStore()]
    tamper(
      path,
      `ATTACH '${other}' AS other; DELETE FROM secrets; DELETE FROM root;
      INSERT INTO secrets SELECT * FROM other.secrets; INSERT INTO root SELECT * FROM other.root`,
    )
    expect((await failure(opened(path).get('alpha', context))).code).toBe('INTEGRITY')
  })

  test('an open store notices altered rows and does not answer from memory', async () => {
    const path = await filledStore()
    const provider = opened(path)
    await provider.get('alpha', context)
    tamper(path, "UPDATE secrets SET sealed = zeroblob(length(sealed)) WHERE path = 'alpha' AND version > 0")
    expect((await failure(provider.get('alpha', context))).code).toBe('INTEGRITY')
    expect((await provider.get('beta', context))?.value).toBe('beta-1')
  })

  test('an open store rejects a value sealed for the same version in a copy', async () => {
    const path = await filledStore()
    const copy = temporaryPath()
    copyFileSync(path, copy)
    await within(copy, (provider) => provider.put('alpha', { value: 'of the copy' }, context))
    const provider = opened(path)
    await provider.put('alpha', { value: 'alpha-3' }, context)
    await provider.get('alpha', context)
    tamper(
      path,
      `ATTACH '${copy}' AS copy; UPDATE secrets SET sealed = (SELECT sealed FROM copy.secrets v WHERE v.path = 'alpha' AND v.version = 3)
      WHERE path = 'alpha' AND version = 3`,
    )
    expect((await failure(provider.get('alpha', context))).code).toBe('INTEGRITY')
  })

  test('a store that is rolled back while it is open is INTEGRITY', async () => {
    const path = await filledStore()
    const earlier = temporaryPath()
    copyFileSync(path, earlier)
    const provider = opened(path)
    await provider.put('alpha', { value: 'alpha-3' }, context)
    const tables = ['secrets', 'root', 'keys', 'upkeep']
    tamper(
      path,
      `ATTACH '${earlier}' AS old; ${tables.map((table) => `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM old.${table}`).join(';')}`,
    )
    expect(await failure(provider.get('alpha', context))).toMatchObject({
      code: 'INTEGRITY',
      problem: 'the store was rolled back to an earlier state while it was open',
    })
  })
})

test('the file holds no value in plain text', async () => {
  const path = await filledStore()
  const bytes = readFileSync(path)
  for (const value of Object.values(content).flat()) expect(bytes.includes(value), value).toBe(false)
  const sqlite = new DatabaseSync(path)
  expect(sqlite.prepare('SELECT count(*) AS count FROM secrets WHERE version > 0').get()).toEqual({ count: 7 })
  sqlite.close()
})
