import assert from 'node:assert/strict'
import type { ListedSecret } from '@finchat/secrets-core'
import { assertRejected, assertValue, canary, member, register, rejects, withdraw, type Rules, type Suite, type Trial } from './trial.ts'
import { identityOf } from './writing.ts'

/** Lists, descriptions, tags and batches. */
export function testListing(suite: Suite): void {
  if (suite.supports('list')) register(suite, listRules)
  if (suite.supports('describe')) register(suite, describeRules(suite))
  if (suite.supports('tag', 'describe')) register(suite, tagsRules(suite))
  if (suite.supports('getMany')) register(suite, manyRules(suite))
}

const listRules: Rules = {
  'listing: an empty store has an empty list': async (trial) => {
    assert.deepEqual(await listed(trial, ''), [])
  },

  'listing: a list has every path with the prefix once, and no other': async (trial) => {
    const paths = Array.from({ length: 25 }, (_, index) => trial.path(index + 1))
    for (const [n, path] of paths.entries()) await trial.seed(path, trial.value(n))
    await trial.seed(trial.path(1), trial.value(100)) // a second version adds no path
    for (const prefix of ['', trial.path(1), trial.path(2).slice(0, -1), trial.path(25)]) {
      const expected = paths.filter((path) => path.startsWith(prefix)).toSorted()
      assert.deepEqual((await listed(trial, prefix)).map(({ path }) => path).toSorted(), expected, `the prefix is ${prefix}`)
    }
    assert.deepEqual(await listed(trial, `${trial.path(1)}-no-such-prefix`), [])
  },

  'listing: a reader may stop early': async (trial) => {
    for (const n of [1, 2, 3]) await trial.seed(trial.path(n), trial.value(n))
    for await (const { path } of member(trial, 'list')('', trial.context)) {
      assert.ok(path)
      break
    }
    assert.equal((await listed(trial, '')).length, 3)
  },

  'listing: a list reveals no value': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    assert.ok(!JSON.stringify(await listed(trial, '')).includes(canary), 'a list reveals a value')
  },
}

const describeRules = ({ canHappen }: Suite): Rules => ({
  'describing: a description has the metadata of a read, without the value': async (trial) => {
    for (const n of [1, 2]) await trial.seed(trial.path(1), trial.value(n))
    const [described, secret] = [await member(trial, 'describe')(trial.path(1), trial.context), await trial.get(trial.path(1))]
    assert.ok(described && secret)
    const { version, revision, currentSince, currentNotBefore, expiresAt, exclusive } = described
    const { value: _value, shape: _shape, ...read } = secret
    assert.deepEqual(defined({ version, revision, currentSince, currentNotBefore, expiresAt, exclusive }), defined(read))
    assert.ok(!Object.hasOwn(described, 'value') && !JSON.stringify(described).includes(canary), 'a description reveals the value')
    if (described.versions !== undefined) {
      assert.ok(
        described.versions.some((one) => JSON.stringify(defined(identityOf(one))) === JSON.stringify(defined(identityOf(secret)))),
        '`versions` must have the current version',
      )
    }
  },

  'describing: a missing secret is undefined': async (trial) => {
    assert.equal(await member(trial, 'describe')(trial.path(1), trial.context), undefined)
  },

  ...(canHappen('withdrawn') && {
    'describing: a withdrawn secret rejects with DELETED': async (trial) => {
      await trial.seed(trial.path(1), trial.value(1))
      await withdraw(trial, trial.path(1))
      await rejects(member(trial, 'describe')(trial.path(1), trial.context), 'DELETED')
    },
  }),
})

const tagsRules = ({ supports }: Suite): Rules => ({
  'tagging: sets tags, removes those given as null, and keeps the others and the value': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await tag(trial, { team: 'pay', stage: 'test' })
    await tag(trial, { stage: null, owner: 'ops', absent: null })
    await tag(trial, {})
    assert.deepEqual(await tagsOf(trial), { owner: 'ops', team: 'pay' })
    await tag(trial, { team: 'core' })
    assert.deepEqual(await tagsOf(trial), { owner: 'ops', team: 'core' })
    assertValue(await trial.get(trial.path(1)), trial.value(1))
  },

  'tagging: a key such as `__proto__` is kept or refused': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    for (const key of ['__proto__', 'constructor', 'toString']) {
      const [settled] = await Promise.allSettled([tag(trial, Object.fromEntries([[key, 'own']]))])
      if (settled.status === 'rejected') assertRejected('tag', settled, 'INVALID_ARGUMENT')
      else assert.equal(Object.entries(await tagsOf(trial)).find(([own]) => own === key)?.[1], 'own', `the tag ${key} is lost`)
    }
  },

  'tagging: a missing secret cannot be tagged': async (trial) => {
    await rejects(member(trial, 'tag')(trial.path(1), { team: 'pay' }, trial.context), 'NOT_FOUND')
    assert.equal(await trial.get(trial.path(1)), undefined)
  },

  ...(supports('put') && {
    'tagging: a write sets its tags and keeps the others': async (trial) => {
      const put = member(trial, 'put')
      await put(trial.path(1), { value: trial.value(1), tags: { team: 'pay' } }, trial.context)
      await put(trial.path(1), { value: trial.value(2), tags: { owner: 'ops' } }, trial.context)
      await put(trial.path(1), { value: trial.value(3) }, trial.context)
      assert.deepEqual(await tagsOf(trial), { owner: 'ops', team: 'pay' })
    },

    ...(supports('list') && listedTagsRules),
  }),
})

const listedTagsRules: Rules = {
  'tagging: tags in a list are correct': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    await tag(trial, { team: 'pay' })
    const [secret] = await listed(trial, '')
    assert.deepEqual({ ...(secret?.tags ?? { team: 'pay' }) }, { team: 'pay' })
  },
}

const manyRules = ({ canHappen }: Suite): Rules => ({
  'batch: an empty batch has no answers': async (trial) => {
    assert.deepEqual(await member(trial, 'getMany')([], trial.context), [])
  },

  'batch: one path has one answer': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const [one, ...rest] = await member(trial, 'getMany')([trial.path(1)], trial.context)
    assert.equal(one?.status, 'fulfilled')
    assertValue(one?.status === 'fulfilled' ? one.value : undefined, trial.value(1))
    assert.equal(rest.length, 0)
  },

  'batch: each path is answered at its index as by a read, also if missing or withdrawn': async (trial) => {
    const paths = Array.from({ length: 45 }, (_, index) => trial.path(index)).toReversed()
    for (const [index, path] of paths.entries()) if (index % 4 > 0) await trial.seed(path, trial.value(index))
    const gone = canHappen('withdrawn') ? [5, 30] : []
    for (const index of gone) await withdraw(trial, paths[index] ?? '')
    const answers = await member(trial, 'getMany')(paths, trial.context)
    assert.equal(answers.length, paths.length)
    for (const [index, answer] of answers.entries()) {
      if (gone.includes(index)) assertRejected('getMany', answer, 'DELETED')
      else assertAnswer(answer, index % 4 > 0 ? trial.value(index) : undefined)
    }
  },

  'batch: an answer has the version of a read': async (trial) => {
    await trial.seed(trial.path(1), trial.value(1))
    const [answer] = await member(trial, 'getMany')([trial.path(1)], trial.context)
    assert.deepEqual(answer, { status: 'fulfilled', value: await trial.get(trial.path(1)) })
  },
})

function assertAnswer(answer: PromiseSettledResult<Awaited<ReturnType<Trial['get']>>>, value: string | undefined): void {
  assert.equal(answer.status, 'fulfilled')
  assertValue(answer.status === 'fulfilled' ? answer.value : undefined, value)
}

async function listed(trial: Trial, prefix: string): Promise<readonly ListedSecret[]> {
  const all: ListedSecret[] = []
  for await (const secret of member(trial, 'list')(prefix, trial.context)) all.push(secret)
  return all
}

function tag(trial: Trial, tags: Record<string, string | null>): Promise<void> {
  return member(trial, 'tag')(trial.path(1), tags, trial.context)
}

async function tagsOf(trial: Trial): Promise<Record<string, string>> {
  return { ...(await member(trial, 'describe')(trial.path(1), trial.context))?.tags }
}

/** Without undefined members. */
function defined(secret: object | undefined): object {
  return Object.fromEntries(Object.entries(secret ?? {}).filter(([, detail]) => detail !== undefined))
}
