import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const folder = fileURLToPath(new URL('../../../../examples/kubernetes', import.meta.url))
const read = (path: string): string => readFileSync(join(folder, path), 'utf8')
const manifests = readdirSync(join(folder, 'manifests')).map((file) => parse(read(`manifests/${file}`)))
const ofKind = (kind: string) => manifests.find((manifest) => manifest.kind === kind)
const pod = ofKind('Deployment').spec.template.spec
const [container] = pod.containers
const variable = (name: string): string => container.env.find((each: { name: string }) => each.name === name).value

test('the manifests are in one namespace, and select each other', () => {
  expect(manifests.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`).toSorted()).toEqual([
    'apps/v1 Deployment',
    'v1 Service',
    'v1 ServiceAccount',
  ])
  expect(new Set(manifests.map(({ metadata }) => metadata.namespace)).size).toBe(1)
  const { selector, template } = ofKind('Deployment').spec
  expect(selector.matchLabels).toEqual(template.metadata.labels)
  expect(ofKind('Service').spec.selector).toEqual(template.metadata.labels)
  expect(ofKind('Service').spec.ports[0].targetPort).toBe(container.ports[0].name)
  expect(String(container.ports[0].containerPort)).toBe(variable('PORT'))
})

test('no secret is in a variable, neither as text nor out of a Secret', () => {
  expect(container.envFrom).toBeUndefined()
  for (const each of container.env) {
    expect(Object.keys(each)).toEqual(['name', 'value'])
    expect(each.name).not.toMatch(/PASSWORD|TOKEN|SECRET|KEY/)
  }
})

test('the pod has a token for Vault alone, where the service reads it', () => {
  expect([pod.serviceAccountName, pod.automountServiceAccountToken]).toEqual([ofKind('ServiceAccount').metadata.name, false])
  expect(ofKind('ServiceAccount').automountServiceAccountToken).toBe(false)
  const [volume] = pod.volumes
  const [{ serviceAccountToken }] = volume.projected.sources
  const [mount] = container.volumeMounts
  expect([mount.name, mount.readOnly, serviceAccountToken.audience]).toEqual([volume.name, true, 'vault'])
  expect(`${mount.mountPath}/${serviceAccountToken.path}`).toBe(variable('VAULT_JWT_FILE'))
})

test('the container writes nothing and has no rights', () => {
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
  expect([pod.securityContext.runAsNonRoot, pod.securityContext.seccompProfile.type]).toEqual([true, 'RuntimeDefault'])
})

test('the probes leave the service its time, and the pod ends after it', () => {
  const [canServeSeconds, drainSeconds, closeSeconds] = [0.8, 15, 25]
  expect([container.livenessProbe.httpGet.path, container.readinessProbe.httpGet.path]).toEqual(['/livez', '/readyz'])
  expect(container.readinessProbe.timeoutSeconds).toBeGreaterThan(canServeSeconds)
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(container.lifecycle.preStop.sleep.seconds + drainSeconds + closeSeconds)
})

test('the role of Vault is for this service account, audience and policy', () => {
  const setup = read('vault/setup.sh')
  const { name, namespace } = ofKind('ServiceAccount').metadata
  expect(setup).toContain(`auth/kubernetes/role/${variable('VAULT_ROLE')} `)
  expect(setup).toContain(`bound_service_account_names=${name} bound_service_account_namespaces=${namespace} `)
  expect(setup).toContain('audience=vault token_policies=orders ')
  expect(setup).toContain('bao policy write orders policy.hcl')
  expect(read('vault/policy.hcl')).toBe('path "secret/data/orders/*" {\n  capabilities = ["read"]\n}\n')
})
