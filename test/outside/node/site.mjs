// What the scripts are told about the issuer, by environment variables.
function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

export const site = {
  issuer: required('SITE_ISSUER'),
  jwks: required('SITE_JWKS'),
  resource: required('SITE_RESOURCE'),
  foreign: required('SITE_FOREIGN'),
  scope: required('SITE_SCOPE'),
  clientId: required('SITE_KEY_CLIENT'),
  keyFile: required('SITE_KEY_FILE'),
  keyId: required('SITE_KEY_ID'),
  keyAlgorithm: required('SITE_KEY_ALGORITHM'),
};

// check prints one line for a step that came out as told and fails otherwise.
export function check(step, ok) {
  if (!ok) throw new Error(`${step}: not as told`);
  console.log(`${step} ok`);
}
