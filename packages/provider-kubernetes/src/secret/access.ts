import { member } from '@finchat/secrets-core/http'
import type { AccessFeature, AccessRight } from '@finchat/secrets-core/provider'
import { placeOf } from '../shared/paths.ts'
import type { SecretStore } from './secret-store.ts'

/** The verb of each feature; a rule for `create` or `list` cannot name a Secret. */
const verbs: readonly { readonly feature: AccessFeature; readonly verb: string; readonly isNamed: boolean }[] = [
  { feature: 'read', verb: 'get', isNamed: true },
  { feature: 'list', verb: 'list', isNamed: false },
  { feature: 'write', verb: 'patch', isNamed: true },
  { feature: 'write', verb: 'create', isNamed: false },
  { feature: 'purge', verb: 'delete', isNamed: true },
  { feature: 'watch', verb: 'watch', isNamed: true },
]

/** What is asked of the API server: https://kubernetes.io/docs/reference/access-authn-authz/authorization/ */
interface Attributes {
  readonly namespace: string
  readonly verb: string
  readonly resource: 'secrets'
  readonly name?: string
}

/** Every authenticated account may create a `SelfSubjectAccessReview` by default (`system:basic-user`). */
export async function checkAccess(store: SecretStore, paths: readonly string[], signal: AbortSignal): Promise<readonly AccessRight[]> {
  return Promise.all(
    paths.flatMap((path) =>
      verbs.map(async ({ feature, verb, isNamed }) => {
        const { namespace, name } = placeOf(path)
        const own = namespaceIn(await store.paths.all(namespace, signal))
        const attributes: Attributes = { namespace: own, verb, resource: 'secrets', ...(isNamed && { name }) }
        const right = `"${verb}" on secrets${isNamed ? ` "${name}"` : ''} of namespace "${own}"`
        return { feature, path, isAllowed: await isAllowed(store, attributes, signal), right }
      }),
    ),
  )
}

/** The namespace in a path of the API. */
function namespaceIn(path: string): string {
  return path.split('/')[4] ?? ''
}

async function isAllowed({ api }: SecretStore, resourceAttributes: Attributes, signal: AbortSignal): Promise<boolean> {
  const body = { kind: 'SelfSubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', spec: { resourceAttributes } }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  const answer = await api.ask({ method: 'POST', path, body: JSON.stringify(body) }, signal)
  return member(member(answer, 'status'), 'allowed') === true
}
