-- SPDX-License-Identifier: MIT
-- Dissects the captures of `rprocfs trace --pcapng`: struct rpmsg_hdr of drivers/rpmsg/virtio_rpmsg_bus.c,
-- and the announcements of services, struct rpmsg_ns_msg of include/linux/rpmsg/ns.h.
--   wireshark -X lua_script:rpmsg.lua messages.pcapng
local rpmsg = Proto("rpmsg", "Remote Processor Messaging")
local NS_ADDRESS = 53

local fields = {
	src = ProtoField.uint32("rpmsg.src", "Source", base.HEX),
	dst = ProtoField.uint32("rpmsg.dst", "Destination", base.HEX),
	reserved = ProtoField.uint32("rpmsg.reserved", "Reserved", base.HEX),
	len = ProtoField.uint16("rpmsg.len", "Length", base.DEC),
	flags = ProtoField.uint16("rpmsg.flags", "Flags", base.HEX),
	data = ProtoField.bytes("rpmsg.data", "Data"),
	ns_name = ProtoField.stringz("rpmsg.ns.name", "Service"),
	ns_addr = ProtoField.uint32("rpmsg.ns.addr", "Address", base.HEX),
	ns_flags = ProtoField.uint32("rpmsg.ns.flags", "Flags", base.HEX, { [0] = "create", [1] = "destroy" }),
}
rpmsg.fields = fields

local function announcement(data, tree)
	local ns = tree:add(rpmsg, data, "Name service")
	ns:add(fields.ns_name, data(0, 32))
	ns:add_le(fields.ns_addr, data(32, 4))
	ns:add_le(fields.ns_flags, data(36, 4))
	local what = data(36, 4):le_uint() == 0 and "create" or "destroy"
	return string.format("%s %s at 0x%x", what, data(0, 32):stringz(), data(32, 4):le_uint())
end

function rpmsg.dissector(buffer, pinfo, root)
	if buffer:len() < 16 then
		return 0
	end
	local src, dst, len = buffer(0, 4):le_uint(), buffer(4, 4):le_uint(), buffer(12, 2):le_uint()
	local tree = root:add(rpmsg, buffer())
	tree:add_le(fields.src, buffer(0, 4))
	tree:add_le(fields.dst, buffer(4, 4))
	tree:add_le(fields.reserved, buffer(8, 4))
	tree:add_le(fields.len, buffer(12, 2))
	tree:add_le(fields.flags, buffer(14, 2))
	pinfo.cols.protocol = "RPMSG"
	pinfo.cols.src = string.format("0x%x", src)
	pinfo.cols.dst = string.format("0x%x", dst)
	pinfo.cols.info = string.format("%d bytes", len)
	if buffer:len() > 16 then
		local data = buffer(16)
		tree:add(fields.data, data)
		if dst == NS_ADDRESS and data:len() >= 40 then
			pinfo.cols.info = announcement(data, tree)
		end
	end
	return buffer:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, rpmsg)
