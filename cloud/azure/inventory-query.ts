/**
 * Every load balancer and application gateway, in an order that paging can rely on. It projects what the tree shows and
 * no more: whole resources would make a page of a thousand rows many megabytes.
 */
export const INVENTORY_QUERY = `resources
| where type in~ ('microsoft.network/loadbalancers','microsoft.network/applicationgateways')
| project id, name, type, location, resourceGroup, subscriptionId, sku, tags,
    prov = tostring(properties.provisioningState),
    appSku = tostring(properties.sku.name),
    exposed = tostring(properties.frontendIPConfigurations) contains '"publicIPAddress":' or tostring(properties.frontendIPConfigurations) contains '"publicIPPrefix":',
    fe = array_length(properties.frontendIPConfigurations),
    pools = array_length(properties.backendAddressPools),
    rules = array_length(coalesce(properties.loadBalancingRules, properties.requestRoutingRules))
| order by id asc`;
