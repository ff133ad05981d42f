// What the scripts are told, by environment variables.
export function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

// theSite is the issuer that the clients come to.
export const theSite = () => ({
  issuer: required('SITE_ISSUER'),
  jwks: required('SITE_JWKS'),
  resource: required('SITE_RESOURCE'),
  foreign: required('SITE_FOREIGN'),
  closed: required('SITE_CLOSED'),
  scope: required('SITE_SCOPE'),
  clientId: required('SITE_KEY_CLIENT'),
  credential: required('SITE_CREDENTIAL'),
});

// check prints one line for a step that came out as told and fails otherwise.
export function check(step, ok) {
  if (!ok) throw new Error(`${step}: not as told`);
  console.log(`${step} ok`);
}
