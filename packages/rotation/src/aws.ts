export { type AwsRotationHandler, awsRotationHandler, type AwsRotationOptions } from './aws/aws-rotation-handler.ts'
export type { AwsRotationClient } from './aws/client.ts'
export type { AwsRotationEvent, AwsRotationStep, LambdaContext } from './aws/rotation-event.ts'
