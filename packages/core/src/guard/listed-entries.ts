import type { CallContext, ListedSecret, SecretProvider } from '../contract/provider.ts'
import { listedOf, malformed } from './check-answer.ts'
import { asSecretsError } from './trusted-error.ts'
import { described } from '../errors/format.ts'
import { own } from '../errors/own-properties.ts'

type List = NonNullable<SecretProvider['list']>

/** Every failure becomes a `SecretsError`: `INTERNAL` for a provider's bug. */
export function listedEntries(list: List, prefix: string, context: CallContext): AsyncIterator<ListedSecret, undefined, undefined> {
  const entries = iteratorOf(list, prefix, context)
  return {
    next: async () => {
      try {
        const next = await entries.next()
        return next.done === true ? { done: true, value: undefined } : { done: false, value: checkedEntry(next.value) }
      } catch (error) {
        throw asSecretsError(error)
      }
    },
    return: async () => {
      await entries.return?.()
      return { done: true, value: undefined }
    },
  }
}

function iteratorOf(list: List, prefix: string, context: CallContext): AsyncIterator<unknown> {
  try {
    const listed: unknown = list(prefix, context)
    const iterate = own(listed, Symbol.asyncIterator)
    if (typeof iterate === 'function') return iterate.call(listed)
    throw malformed(`a list that is ${described(listed)}, not an async iterable`)
  } catch (error) {
    throw asSecretsError(error)
  }
}

function checkedEntry(entry: unknown): ListedSecret {
  if (typeof own(entry, 'path') !== 'string') throw malformed('what is not a listed secret')
  return listedOf(entry as ListedSecret) // it has a path, and its tags are looked at one by one
}
