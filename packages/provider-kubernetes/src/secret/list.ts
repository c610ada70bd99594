import { type CallContext, type ListedSecret, SecretsError } from '@finchat/secrets-core'
import { asSecretsErrors, member, timedCall } from '@finchat/secrets-core/http'
import { isGone, unexpectedAnswer } from '../api/status.ts'
import { isNamespace } from '../shared/paths.ts'
import type { SecretStore } from './secret-store.ts'
import { metadataOf, type SecretMetadata } from './secret-object.ts'

const pageSize = 500
/** Without progress in between. */
const mostRestarts = 3

interface Page {
  readonly items: readonly SecretMetadata[]
  readonly next: string | undefined
}

/** Lists the provider's namespace, or the one that the prefix names with its slash. */
export async function* listSecrets(
  store: SecretStore,
  prefix: string,
  { signal }: CallContext,
): AsyncGenerator<ListedSecret, void, undefined> {
  const slash = prefix.indexOf('/')
  const namespace = slash === -1 ? undefined : prefix.slice(0, slash)
  if (namespace !== undefined && !isNamespace(namespace)) return
  const [folder, start] = [prefix.slice(0, slash + 1), prefix.slice(slash + 1)]
  for await (const { name, tags } of everySecret(store, namespace, signal)) if (name.startsWith(start)) yield { path: folder + name, tags }
}

/** A list that expired begins anew after the last name, since names come in order. */
async function* everySecret(
  store: SecretStore,
  namespace: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<SecretMetadata, void, undefined> {
  let [last, token, restarts]: [string, string | undefined, number] = ['', undefined, 0]
  do {
    const page: Page | undefined = await pageAt(store, namespace, token, signal)
    if (page === undefined && (restarts += 1) > mostRestarts) throw tooSlow()
    if (token !== undefined && page?.next === token) throw unexpectedAnswer(200, false) // it would be asked for ever
    token = page?.next
    for (const secret of page?.items ?? []) {
      if (secret.name <= last) continue
      ;[last, restarts] = [secret.name, 0]
      yield secret
    }
    if (page !== undefined && token === undefined) return
  } while (true)
}

/** Undefined if the server no longer has the list that `token` continues. */
async function pageAt(
  store: SecretStore,
  namespace: string | undefined,
  token: string | undefined,
  caller: AbortSignal,
): Promise<Page | undefined> {
  const bounds = { ...store.limits, signal: caller }
  try {
    return await asSecretsErrors(false, () => timedCall(bounds, (signal) => readPage(store, namespace, token, signal)))
  } catch (error) {
    if (token !== undefined && isGone(error)) return undefined
    throw error
  }
}

async function readPage(
  { api, paths }: SecretStore,
  namespace: string | undefined,
  token: string | undefined,
  signal: AbortSignal,
): Promise<Page> {
  const query = new URLSearchParams({ limit: String(pageSize), ...(token !== undefined && { continue: token }) })
  const path = `${await paths.all(namespace, signal)}?${query.toString()}`
  const answer = await api.ask({ method: 'GET', path, metadata: 'list' }, signal)
  const [items, next] = [member(answer, 'items') ?? [], member(answer, 'metadata', 'continue')]
  if (!Array.isArray(items) || !String(member(answer, 'kind')).endsWith('List')) throw unexpectedAnswer(200, false)
  return { items: items.map((item) => metadataOf(item)), next: typeof next === 'string' && next !== '' ? next : undefined }
}

function tooSlow(): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the server forgets the list faster than it can be read', { remedy: 'list again' })
}
