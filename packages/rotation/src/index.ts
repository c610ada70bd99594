export { generateKeyPair, keyPairGenerator, type KeyPair, type KeyPairOptions } from './generate/key-pair.ts'
export { type CharacterClass, passwordGenerator, type PasswordPolicy } from './generate/password.ts'
export { tokenGenerator, type TokenOptions, uuidGenerator } from './generate/token.ts'
export type { Fence, Generate, RotationTarget } from './targets/target.ts'
export { functionTarget, type FunctionTargetOptions } from './targets/function-target.ts'
export type { OnState, RotationOutcome, RotationState, RotationStep } from './engine/rotation-state.ts'
export type { RetireOptions, RotateOptions } from './engine/rotate-options.ts'
export { type Retirement, retirePrevious } from './engine/retire-previous.ts'
export type { FormerUsage, SecretUser, UsageGap } from './engine/former-usage.ts'
export type { UnreadableFormer } from './engine/stored-versions.ts'
export { type LastUse, lastUses, type UseRecord, type UseRecords } from './engine/last-uses.ts'
export { type RotationStatus, rotationStatus, type RotationStatusOptions } from './engine/rotation-status.ts'
export { rotate, type RotationResult } from './engine/rotate.ts'
export { type DueReport, rotateDue, type RotateDueOptions } from './policy/rotate-due.ts'
export { reportRotations, type ReportRotationsOptions } from './policy/report-rotations.ts'
export {
  type RotationPolicy,
  rotationPolicy,
  type RotationPolicyOptions,
  type RotationSchedule,
  rotationSchedule,
  type RotationScheduleOptions,
} from './policy/rotation-policy.ts'
