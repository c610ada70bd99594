import type { WriteReceipt } from '@finchat/secrets-core'
import { type OpenBao, type RecordedRequest, type Reply, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { tokenAuth } from '../auth/token.ts'
import { startProcess } from '../testing/other-process.ts'
import { codeOf, context, failure } from '../testing/stub-vault.ts'
import { trialOn } from '../testing/trials.ts'
import { type VaultTrial, writePolicy } from '../testing/vault-harness.ts'
import { type VaultProvider, vaultProvider } from '../vault-provider.ts'

const isWrite = ({ method, path }: RecordedRequest): boolean => method !== 'GET' && path.endsWith('/data/app')
const isTagging = ({ path, method }: RecordedRequest): boolean => method === 'PATCH' && path.endsWith('/metadata/app')
const isRemoval = ({ path }: RecordedRequest): boolean => path.endsWith('/destroy/app.finchat-staged')
const fields = JSON.stringify({ user: '<&>\u2028', port: 5432, nested: { on: true, list: [1, null] } })

describeWithServer('openbao', 'a version that waits', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  async function trialOf(versions: 0 | 1 = 1): Promise<VaultTrial> {
    const trial = await trialOn(bao)
    if (versions === 1) await trial.provider.put('app', { value: 'v1' }, context)
    return trial
  }

  /** How many values the server still holds at the path beside. */
  async function leftBeside(mount: string, versions: number): Promise<number> {
    const numbers = Array.from({ length: versions }, (_each, index) => index + 1)
    const read = numbers.map((n) => bao.api('GET', `${mount}/data/app.finchat-staged?version=${n}`))
    const found = await Promise.allSettled(read)
    return found.filter((each) => each.status === 'fulfilled' && JSON.stringify(each.value).includes('"fields"')).length
  }

  test('is withdrawn with its secret, and restored with it', async () => {
    const { provider, mount } = await trialOf()
    const pending = await provider.staging.put('app', { value: 'v2' }, context)
    await provider.delete('app', { purge: false }, context)
    expect(await provider.staging.get('app', context)).toBe(undefined)
    expect(await codeOf(provider.staging.promote('app', pending, context))).toBe('VERSION_CONFLICT')
    expect(await codeOf(provider.get('app', context))).toBe('DELETED')
    expect(await leftBeside(mount, 1)).toBe(0)
    await provider.restore('app', context)
    expect(await provider.staging.get('app', context)).toMatchObject({ revision: pending.revision })
    expect(await provider.staging.promote('app', pending, context)).toMatchObject({ version: 2 })
  })

  test('is withdrawn with a secret that another tool deleted, and one that was staged after that waits', async () => {
    const { provider, mount } = await trialOf()
    const pending = await provider.staging.put('app', { value: 'v2' }, context)
    await bao.api('DELETE', `${mount}/data/app`)
    expect(await provider.staging.get('app', context)).toBe(undefined)
    expect(await codeOf(provider.staging.promote('app', pending, context))).toBe('VERSION_CONFLICT')
    const next = await provider.staging.put('app', { value: 'v2' }, context)
    expect(await provider.staging.get('app', context)).toMatchObject({ revision: next.revision })
    expect(await provider.staging.promote('app', next, context)).toMatchObject({ version: 2 })
  })

  test('is not restored by what undoes a later deletion than its own, or none', async () => {
    const { provider } = await trialOf()
    await provider.staging.put('app', { value: 'v2' }, context)
    await provider.delete('app', { purge: false }, context)
    await provider.put('app', { value: 'v2 by hand' }, context)
    await provider.restore('app', context)
    expect(await provider.staging.get('app', context)).toBe(undefined)
    await provider.delete('app', { purge: false }, context)
    await provider.restore('app', context)
    expect((await provider.get('app', context))?.version).toBe(2)
    expect(await provider.staging.get('app', context)).toBe(undefined)
    expect(await codeOf(provider.staging.put('app', { value: 'v3' }, context))).toBe('ok')
  })

  /** A process that promotes, and is killed when it sends this request. */
  async function killedAt({ proxy, mount, currentToken }: VaultTrial, fits: typeof isWrite, reply: Reply): Promise<void> {
    let isReached = false
    proxy.plan((request) => {
      if (!fits(request)) return 'pass'
      isReached = true
      return reply
    })
    const { kill } = startProcess('promoting-process.ts', [proxy.url, mount, currentToken(), 'app'])
    await expect.poll(() => isReached).toBe(true)
    await kill()
    proxy.plan('pass')
  }

  describe.each([
    ['before it removes what waited', isRemoval, 'hang'],
    ['before it sets the tags', isTagging, 'hang'],
    ['before it is told that it has written', isWrite, { pass: 'hang' }],
  ] as const)('whose promoter is killed %s', (_what, fits, reply) => {
    async function leftover(): Promise<VaultTrial & { readonly revision: string | undefined }> {
      const trial = await trialOf()
      const { revision } = await trial.provider.staging.put('app', { value: fields, shape: 'map', tags: { by: 'rotation' } }, context)
      await killedAt(trial, fits, reply)
      await expect.poll(async () => (await trial.provider.get('app', context))?.version).toBe(2)
      return { ...trial, revision }
    }

    test('waits no more when it is looked for', async () => {
      const { provider, mount } = await leftover()
      expect(await provider.staging.get('app', context)).toBe(undefined)
      expect(JSON.parse(String((await provider.get('app', context))?.value))).toEqual(JSON.parse(fields))
      expect(await provider.describe('app', context)).toMatchObject({ version: 2, tags: { by: 'rotation' } })
      expect(await leftBeside(mount, 2)).toBe(0)
    })

    test('makes room for the next', async () => {
      const { provider, mount } = await leftover()
      const next = await provider.staging.put('app', { value: 'v3' }, context)
      expect((await provider.staging.get('app', context))?.value).toBe('{"value":"v3"}')
      expect(await provider.staging.promote('app', next, context)).toMatchObject({ version: 3 })
      expect(await leftBeside(mount, 4)).toBe(0)
    })

    test('is not promoted twice', async () => {
      const { provider, mount, revision } = await leftover()
      const receipt = await provider.staging.promote('app', { revision }, context)
      const now = await provider.get('app', context)
      expect(receipt).toEqual({ version: 2, revision: now?.revision })
      expect(await provider.staging.promote('app', { revision }, context)).toEqual(receipt)
      expect(await codeOf(provider.staging.discard('app', { revision }, context))).toBe('VERSION_CONFLICT')
      expect(await leftBeside(mount, 2)).toBe(0)
    })
  })

  test.each([
    ['a text', { value: '<&>\u2028"\\/\u007f\u00e9\u{1f511}' }],
    ['texts', { value: '{"b":"<&>","a":"\\u2028\\b"}', shape: 'map' }],
    ['no field', { value: '{}', shape: 'map' }],
    ['numbers and more', { value: '{"z":1e-7,"y":[1e+21,{"k":null}],"x":"&"}', shape: 'map' }],
  ] as const)('of %s is known again once it was promoted', async (_what, secret) => {
    const trial = await trialOf()
    const { provider } = trial
    const pending = await provider.staging.put('app', secret, context)
    const staged = await provider.staging.get('app', context)
    await killedAt(trial, isRemoval, 'hang')
    const now = await provider.get('app', context)
    expect([now?.version, JSON.parse(String(now?.value))]).toEqual([2, JSON.parse(String(staged?.value))])
    expect((await failure(provider.staging.discard('app', pending, context))).code).toBe('VERSION_CONFLICT')
    expect(await provider.staging.get('app', context)).toBe(undefined)
  })

  test.each([0, 1])('goes on waiting when its promoter is killed before it has written, where max_versions is %i', async (most) => {
    const trial = await trialOf()
    const { provider, mount } = trial
    await bao.api('POST', `${mount}/config`, { max_versions: most })
    const pending = await provider.staging.put('app', { value: fields, shape: 'map' }, context)
    await killedAt(trial, isWrite, 'hang')
    expect(await provider.staging.get('app', context)).toMatchObject(pending)
    expect(await provider.staging.promote('app', pending, context)).toMatchObject({ version: 2 })
    expect(await leftBeside(mount, 3)).toBe(0)
  })

  type Operation = 'promote' | 'discard' | 'put' | 'delete'
  const operations: Readonly<Record<Operation, (provider: VaultProvider, pending: WriteReceipt, versions: 0 | 1) => Promise<unknown>>> = {
    promote: (provider, pending) => provider.staging.promote('app', pending, context),
    discard: (provider, pending) => provider.staging.discard('app', pending, context),
    put: (provider, _, versions) =>
      provider.put('app', { value: 'by hand', ifCurrent: versions === 0 ? null : { version: versions } }, context),
    delete: (provider) => provider.delete('app', { purge: false }, context),
  }

  /**
   * Runs `fast` to its end before the request of `slow` with this number. `undefined`: there was no
   * such request.
   */
  async function between(
    at: number,
    [slow, fast, versions]: (typeof pairs)[number],
    answer: Reply,
  ): Promise<readonly string[] | undefined> {
    const trial = await trialOf(versions)
    const other = vaultProvider({ url: bao.url, mount: trial.mount, auth: tokenAuth(trial.currentToken()) })
    onTestFinished(() => other.close())
    const pending = await trial.provider.staging.put('app', { value: 'v2' }, context)
    let requests = 0
    let told: string | undefined
    trial.proxy.plan(async (): Promise<Reply> => {
      if ((requests += 1) !== at) return 'pass'
      told = await codeOf(operations[fast](other, pending, versions))
      return answer
    })
    const slowTold = await codeOf(operations[slow](trial.provider, pending, versions))
    trial.proxy.plan('pass')
    const [now] = await Promise.allSettled([trial.provider.get('app', context)])
    const value = now.status === 'fulfilled' ? now.value?.value : await codeOf(Promise.reject(now.reason))
    const current = value === '{"value":"v2"}' ? 'promoted' : String(value)
    const waits = (await trial.provider.staging.get('app', context)) === undefined ? 'nothing waits' : 'it waits'
    return told === undefined ? undefined : [slowTold, told, current, waits]
  }

  const kinds: readonly Operation[] = ['promote', 'discard', 'put', 'delete']
  const pairs = kinds.flatMap((slow) =>
    kinds.flatMap((fast) =>
      // Without the staged version each of the others is proved elsewhere; and what is not there is not deleted.
      ([1, 0] as const)
        .filter((versions) => fast !== slow && (versions === 1 || ![slow, fast].includes('delete')))
        .map((versions) => [slow, fast, versions] as const),
    ),
  )
  test.each(pairs)(
    'a %s, and a %s between two of its requests, over %i versions, are not told what cannot both be true',
    async (...pair) => {
      const [slow, fast] = pair
      const contradictions: string[] = []
      for (const answer of ['pass', { pass: 'reset' }] as const) {
        for (let at = 1; ; at += 1) {
          const found = await between(at, pair, answer)
          if (found === undefined) break
          const [slowTold, fastTold, current, waits] = found
          const told = new Map([
            [slow, slowTold],
            [fast, fastTold],
          ])
          const isOk = (one: Operation): boolean => told.get(one) === 'ok'
          const isTrue = [
            !isOk('promote') || isOk('delete') || (current === 'promoted' && !isOk('put')),
            !isOk('discard') || (current !== 'promoted' && waits === 'nothing waits'),
            !isOk('put') || isOk('delete') || current === '{"value":"by hand"}',
            !isOk('delete') || isOk('put') || current === 'DELETED',
            answer !== 'pass' || isOk(slow) || isOk(fast),
          ]
          if (isTrue.includes(false))
            contradictions.push(`${slow} ${slowTold}, ${fast} ${fastTold} before request ${at}: ${current}, ${waits}`)
        }
      }
      expect(contradictions).toEqual([])
    },
  )

  test('that was discarded by a process that ended in the middle is not promoted, and its value goes with the next', async () => {
    const { provider, mount, proxy } = await trialOf()
    const pending = await provider.staging.put('app', { value: 'v2' }, context)
    proxy.plan((request) => (isRemoval(request) ? 'reset' : 'pass'))
    const { code, effect } = await failure(provider.staging.discard('app', pending, context))
    expect([code, effect]).toEqual(['UNAVAILABLE', 'done'])
    proxy.plan('pass')
    expect(await codeOf(provider.staging.promote('app', pending, context))).toBe('VERSION_CONFLICT')
    expect(await provider.staging.get('app', context)).toBe(undefined)
    expect(await leftBeside(mount, 3)).toBe(1)
    await provider.staging.put('app', { value: 'v3' }, context)
    expect((await provider.staging.get('app', context))?.value).toBe('{"value":"v3"}')
    expect(await leftBeside(mount, 3)).toBe(1)
  })

  test.each([0, 1] as const)(
    'over %i versions is not discarded once its promotion has begun, unless a newer is there',
    async (versions) => {
      const trial = await trialOf(versions)
      const { provider } = trial
      const pending = await provider.staging.put('app', { value: 'v2' }, context)
      await killedAt(trial, isWrite, 'hang')
      expect((await failure(provider.staging.discard('app', pending, context))).message).toContain(
        'the promotion of this version has begun',
      )
      await provider.put('app', { value: 'another' }, context)
      await provider.staging.discard('app', pending, context)
      expect(await provider.staging.get('app', context)).toBe(undefined)
      expect((await provider.get('app', context))?.value).toBe('{"value":"another"}')
    },
  )

  test('is not taken for promoted when another value took its number', async () => {
    const { provider } = await trialOf()
    const pending = await provider.staging.put('app', { value: 'v2' }, context)
    await provider.put('app', { value: 'another' }, context)
    expect((await provider.staging.get('app', context))?.value).toBe('{"value":"v2"}')
    expect(await codeOf(provider.staging.put('app', { value: 'v3' }, context))).toBe('VERSION_CONFLICT')
    expect(await codeOf(provider.staging.promote('app', pending, context))).toBe('VERSION_CONFLICT')
    await provider.staging.discard('app', pending, context)
    expect(await provider.staging.get('app', context)).toBe(undefined)
  })

  test('survives the late removal of the one before', async () => {
    const { provider, proxy } = await trialOf()
    const first = await provider.staging.put('app', { value: 'v2' }, context)
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    let removals = 0
    proxy.plan(async (request): Promise<Reply> => {
      if (isRemoval(request) && (removals += 1) === 1) await held
      return 'pass'
    })
    const late = provider.staging.promote('app', first, context)
    await expect.poll(() => removals).toBe(1)
    const second = await provider.staging.put('app', { value: 'v3' }, context)
    letGo()
    expect(await late).toMatchObject({ version: 2 })
    expect(await provider.staging.get('app', context)).toMatchObject(second)
    expect(await provider.staging.promote('app', second, context)).toMatchObject({ version: 3 })
  })

  test('that may not be removed does not block the next once it is promoted', async () => {
    const { provider, mount, policy } = await trialOf()
    await writePolicy(bao, policy, `path "${mount}/data/*" { capabilities = ["create", "read", "update"] }`)
    for (const version of [2, 3, 4]) {
      const pending = await provider.staging.put('app', { value: `v${version}` }, context)
      expect(await provider.staging.promote('app', pending, context)).toMatchObject({ version })
      expect(await provider.staging.get('app', context)).toBe(undefined)
    }
    const pending = await provider.staging.put('app', { value: 'v5' }, context)
    expect((await failure(provider.staging.discard('app', pending, context))).message).toContain(
      `allow "update" on "${mount}/destroy/app.finchat-staged"`,
    )
  })
})
