export type { AuditRecord } from '@finchat/secrets-core'
export { type EcsDocument, toEcs } from './siem/ecs.ts'
export { type OcsfEvent, toOcsf } from './siem/ocsf.ts'
