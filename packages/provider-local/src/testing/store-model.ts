import { isDeepStrictEqual } from 'node:util'
import { type SecretDescription, type SecretProvider, SecretsError, type SecretsErrorCode } from '@finchat/secrets-core'
import type { LocalProvider } from '../local-provider.ts'
import { collected, context } from './temporary-store.ts'

/** The expected content of a store of one secret: plain values, no keys, no file. */
interface ModelSecret {
  last: number
  /** Values by version number, ascending. */
  values: Map<number, string | Uint8Array>
  current?: number | undefined
  previous?: number | undefined
  pending?: number | undefined
  /** The last one that was discarded. */
  discarded?: number | undefined
  deleted: boolean
  tags: Map<string, string>
}

export type Model = Map<string, ModelSecret>

/** How many versions a write leaves. */
export type Keep = number | 'all'

/** One operation, on the model and on the real store. */
export type Step =
  | SecretStep
  | { readonly do: 'prune'; readonly keep: number }
  | { readonly do: 'reopen'; readonly keep: Keep }
  | { readonly do: 'reencrypt' }

type SecretStep =
  | {
      readonly do: 'put' | 'stage'
      readonly path: string
      readonly value: string | Uint8Array
      readonly skip: number
      readonly tags: Record<string, string>
    }
  | { readonly do: 'promote' | 'discard' | 'delete' | 'purge' | 'restore'; readonly path: string }
  | { readonly do: 'tag'; readonly path: string; readonly tags: Record<string, string | null> }

/** `ok`, or the code of the error. */
export type Outcome = 'ok' | SecretsErrorCode

export function stepModel(model: Model, step: Step, keep: Keep): Outcome {
  if (!('path' in step)) return step.do === 'prune' ? pruneModel(model, step.keep) : 'ok'
  const secret = model.get(step.path) ?? { last: 0, values: new Map(), deleted: false, tags: new Map() }
  if (step.do !== 'restore' && step.do !== 'delete' && step.do !== 'purge' && secret.deleted) return 'DELETED'
  const repeated = repeatedOutcome(secret, step)
  if (repeated !== undefined) return repeated
  const outcome = stepSecret(secret, step)
  if (outcome !== 'ok') return outcome
  model.set(step.path, secret)
  if (step.do === 'put' || step.do === 'stage' || step.do === 'promote') pushOut(secret, keep)
  return outcome
}

/** Of a call that was made before: it changes nothing. Without a pending version `run` names version 1. */
function repeatedOutcome({ pending, current, discarded, values }: ModelSecret, step: SecretStep): Outcome | undefined {
  if (step.do === 'promote' && pending === undefined && current === 1) return 'ok'
  if (step.do === 'discard' && pending === undefined && discarded === 1) return 'ok'
  if (step.do !== 'stage' || pending === undefined) return undefined
  return step.skip === 0 && isDeepStrictEqual(values.get(pending), step.value) ? 'ok' : 'VERSION_CONFLICT'
}

function stepSecret(secret: ModelSecret, step: SecretStep): Outcome {
  switch (step.do) {
    case 'put':
    case 'stage':
      return write(secret, step)
    case 'promote':
    case 'discard':
      return endPending(secret, step.do)
    default:
      if (secret.current === undefined) return 'NOT_FOUND'
      if (step.do === 'tag') setTags(secret, step.tags)
      else if (step.do === 'purge')
        Object.assign(secret, {
          values: new Map(),
          current: undefined,
          previous: undefined,
          pending: undefined,
          discarded: undefined,
          deleted: false,
          tags: new Map(),
        })
      else secret.deleted = step.do === 'delete'
      return 'ok'
  }
}

function write(secret: ModelSecret, step: Extract<Step, { do: 'put' | 'stage' }>): Outcome {
  secret.last += 1 + step.skip
  secret.values.set(secret.last, step.value)
  setTags(secret, step.tags)
  if (step.do === 'stage') secret.pending = secret.last
  else [secret.previous, secret.current] = [secret.current, secret.last]
  return 'ok'
}

function endPending(secret: ModelSecret, how: 'promote' | 'discard'): Outcome {
  const { pending, current } = secret
  if (pending === undefined) return 'VERSION_CONFLICT'
  if (how === 'promote' && current !== undefined && current > pending) return 'VERSION_CONFLICT'
  secret.pending = undefined
  if (how === 'discard') {
    secret.values.delete(pending)
    secret.discarded = pending
  } else [secret.previous, secret.current] = [current, pending]
  return 'ok'
}

/** Removes the oldest surplus versions, at most 16 at once. */
function pushOut({ values, current, previous, pending }: ModelSecret, keep: Keep): void {
  const released = [...values.keys()].filter((number) => number !== pending)
  const surplus = keep === 'all' ? 0 : Math.max(0, released.length - keep)
  const oldest = released.filter((number) => number !== current && number !== previous).slice(0, Math.min(surplus, 16))
  for (const number of oldest) values.delete(number)
}

function pruneModel(model: Model, keep: number): Outcome {
  for (const secret of model.values()) {
    const released = [...secret.values.keys()].filter((number) => number !== secret.pending)
    for (const number of released.slice(0, -keep)) secret.values.delete(number)
    if (secret.previous !== undefined && !secret.values.has(secret.previous)) secret.previous = undefined
  }
  return 'ok'
}

function setTags(secret: ModelSecret, changes: Record<string, string | null>): void {
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) secret.tags.delete(key)
    else secret.tags.set(key, value)
  }
}

/** Runs the same step on the real store; `reopen` is the caller's. */
export async function stepStore(provider: LocalProvider, step: Step): Promise<Outcome> {
  const [settled] = await Promise.allSettled([run(provider, step)])
  if (settled.status === 'fulfilled') return 'ok'
  if (!SecretsError.isInstance(settled.reason)) throw settled.reason
  return settled.reason.code
}

async function run(provider: LocalProvider, step: Step): Promise<unknown> {
  switch (step.do) {
    case 'put':
    case 'stage': {
      const put = step.do === 'put' ? provider.put : provider.staging.put
      const { value, tags, path, skip } = step
      return put(path, { value, tags, ...(skip > 0 ? { version: (await nextNumber(provider, path)) + skip } : {}) }, context)
    }
    case 'promote':
    case 'discard': {
      const pending = await provider.staging.get(step.path, context)
      return provider.staging[step.do](step.path, { version: pending?.version ?? 1 }, context)
    }
    case 'tag':
      return provider.tag(step.path, step.tags, context)
    case 'delete':
    case 'purge':
      return provider.delete(step.path, { purge: step.do === 'purge' }, context)
    case 'restore':
      return provider.restore(step.path, context)
    case 'prune':
      return provider.prune({ keepVersions: step.keep })
    case 'reencrypt':
      return provider.reencrypt()
    default:
      return undefined // the caller reopens
  }
}

/** The next number, read from a conflict's message. */
async function nextNumber(provider: LocalProvider, path: string): Promise<number> {
  const [settled] = await Promise.allSettled([provider.put(path, { value: '', ifCurrent: { version: Number.MAX_SAFE_INTEGER } }, context)])
  if (settled.status === 'fulfilled') throw new Error('a write over a version that never was is accepted')
  if (SecretsError.isInstance(settled.reason) && settled.reason.code !== 'VERSION_CONFLICT') throw settled.reason
  return Number(/the next is (\d+)/.exec(String(settled.reason))?.[1])
}

/** Everything that can be read of these paths. */
export async function observedStore(provider: SecretProvider, paths: readonly string[], numbers: readonly number[]): Promise<unknown> {
  const { getVersion, staging, describe, list } = provider
  const read = async (
    call: Promise<{ value: string | Uint8Array; version?: number | undefined } | undefined> | undefined,
  ): Promise<unknown> => {
    const [settled] = await Promise.allSettled([call])
    if (settled.status === 'rejected') return SecretsError.isInstance(settled.reason) ? settled.reason.code : settled.reason
    return settled.value && [settled.value.version, settled.value.value]
  }
  const secrets = await Promise.all(
    paths.map(async (path) => ({
      current: await read(provider.get(path, context)),
      previous: await read(getVersion?.(path, 'previous', context)),
      pending: await read(staging?.get(path, context)),
      versions: await Promise.all(numbers.map((number) => read(getVersion?.(path, number, context)))),
      ...(await describe?.(path, context).then(shownOf, () => undefined)),
    })),
  )
  return { secrets, listed: list && (await collected(list('', context))).map(({ path }) => path) }
}

function shownOf(description: SecretDescription | undefined): object {
  return description === undefined ? {} : { tags: description.tags, described: description.versions?.map(({ version }) => version) }
}

export function observedModel(model: Model, paths: readonly string[], numbers: readonly number[]): unknown {
  const secrets = paths.map((path) => {
    const { values = new Map(), current, previous, pending, deleted = false, tags } = model.get(path) ?? {}
    const read = (number: number | undefined): unknown => {
      if (deleted) return 'DELETED'
      return number === undefined || !values.has(number) ? undefined : [number, values.get(number)]
    }
    const versions = numbers.map((number) => read(number === pending ? undefined : number))
    const released = [...values.keys()].filter((number) => number !== pending)
    return {
      current: read(current),
      previous: read(previous),
      pending: read(pending),
      versions,
      ...(!deleted && current !== undefined && { tags: Object.fromEntries(tags ?? []), described: released }),
    }
  })
  const listed = paths.filter((path) => model.get(path)?.current !== undefined && !model.get(path)?.deleted).toSorted()
  return { secrets, listed }
}
